"""Writes the pages of `docs/` that are derived from code: settings, a job's life, errors.

`python -m cli.reference` writes them; with `--check` it only says which are out of step.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import Field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from google.rpc import code_pb2

from tickets.deliveries import DELAYS, JITTER, LONGEST_DELAY, DeliveryEvent
from tickets.errors import DOMAIN, WIRE, JobErrorCode, Reason
from tickets.lifecycle import TERMINAL, TRANSITIONS, Stage, Status
from tickets.settings import Settings, variable

DOCS = Path(__file__).resolve().parent.parent / "docs"
COMMAND = "make docs"


@click.command(help=__doc__)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when a page is stale.")
def main(check: bool) -> None:
    if not check:
        write(DOCS)
    elif found := stale(DOCS):
        names = ", ".join(f"docs/{name}" for name in found)
        raise click.ClickException(f"out of step with the code: {names}; run: {COMMAND}")


def write(folder: Path) -> None:
    for name, text in _pages().items():
        (folder / name).write_text(text, encoding="utf-8")


def stale(folder: Path) -> list[str]:
    """The names of the pages that are missing or say something else than the code."""
    return [
        name
        for name, text in _pages().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def _pages() -> dict[str, str]:
    return {
        name: "\n\n".join([f"<!-- Made from {source} by `{COMMAND}`; edit that. -->", *parts()])
        + "\n"
        for name, (source, parts) in _SOURCES.items()
    }


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, row))} |" for row in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


# Settings

# A group begins at the setting named here and holds those declared after it.
_GROUPS = {
    "data_dir": "Where things are",
    "ollama_url": "The model",
    "rate_limit": "Limits",
    "job_ttl_s": "The life of a job",
    "callback_timeout_s": "Callbacks",
    "drain_s": "Processes",
    "core_tls_cert": "TLS",
    "secret_key": "Secrets",
}
_SETTINGS_INTRO = """\
# Settings

Every process reads its settings from the environment once, at start. A wrong value ends it with
exit code 2 and a line for each fault. An empty variable counts as unset.

A variable marked `_FILE` can be given as a file instead, so that its value stands in no
environment and no compose file: `TASKFORGE_SECRET_KEY_FILE=/run/secrets/secret_key` reads the
value from there, without the white space around it. Giving both is an error.

The files under TLS are PEM. [operations.md](operations.md#tls) says how they go together."""


def _settings() -> Iterable[str]:
    yield _SETTINGS_INTRO
    for title, declared in _grouped():
        rows = [
            (f"`{variable(one)}`", _default(one), one.metadata["purpose"], _file(one))
            for one in declared
        ]
        yield f"## {title}"
        yield _table(["Variable", "Default", "Purpose", "File"], rows)


def _grouped() -> list[tuple[str, list["Field[Any]"]]]:
    groups: list[tuple[str, list[Field[Any]]]] = []
    for declared in fields(Settings):
        if declared.name in _GROUPS:
            groups.append((_GROUPS[declared.name], []))
        groups[-1][1].append(declared)
    return groups


def _default(declared: "Field[Any]") -> str:
    default = declared.metadata["default"]
    return f"`{default}`" if default else ""


def _file(declared: "Field[Any]") -> str:
    return "`_FILE`" if declared.metadata["secret"] else ""


# The life of a job

_LIFECYCLE_INTRO = """\
# The life of a job

A client submits a job, and it waits as `queued`. A worker claims it, under a lease that its
heartbeats extend, and generates the tickets: `processing`. It reports the outcome, and the job is
`completed` or `failed`. An attempt that may yet succeed puts the job back into the queue, as does
a worker that is stopped or no longer heard of.

A client can cancel a job that has not ended. A queued one is `cancelled` at once; a running one is
`cancel_requested` until its worker confirms or its lease runs out. A job that has not ended by its
deadline is `expired`. A status that the job ends in never changes again."""


def _lifecycle() -> Iterable[str]:
    yield _LIFECYCLE_INTRO
    yield f"```mermaid\nstateDiagram-v2\n{_arrows()}\n```"
    rows = [
        (_status(row.source), _status(row.target), row.verb, row.actor, row.when)
        for row in TRANSITIONS
    ]
    yield _table(["From", "To", "What happens", "Who", "When"], rows)
    stages = ", ".join(f"`{stage}`" for stage in Stage)
    yield (
        f"Beside its status a job shows a stage: {stages}. It is the last working stage that was "
        "reached; a job that is cancelled or expires keeps it."
    )
    yield _CALLBACKS_INTRO
    attempts = [
        (str(number), str(wait), str(sum(DELAYS[: number - 1], timedelta())))
        for number, wait in enumerate([timedelta(), *DELAYS], start=1)
    ]
    yield _table(["Attempt", "After the one before", "After the end"], attempts)


_CALLBACKS_INTRO = f"""\
## Its callback

The end of a job with a callback URL adds a delivery, in the same transaction. A worker claims it,
under a lease like a job's, and POSTs it. Any 2xx ends it as `delivered`. Anything else, or no
answer, is a failed attempt: a `{DeliveryEvent.FAILED}` event of the job, which changes nothing else
of it. The next attempt comes as below, give or take {JITTER:.0%}, or later when the receiver's
`Retry-After` asks for it, up to {LONGEST_DELAY} later. After the last one, or a 410, the delivery
is `failed`. Every attempt sends the same content under the same `webhook-id`, also when an operator
sends it again; a worker that is lost may leave the receiver with one more than is written down."""


def _arrows() -> str:
    """The diagram's lines, one for each pair of statuses."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for row in TRANSITIONS:
        verbs.setdefault((row.source or "[*]", row.target), []).append(row.verb)
    lines = [
        f"{source} --> {target}: {', '.join(found)}" for (source, target), found in verbs.items()
    ]
    ends = [f"{status} --> [*]" for status in Status if status in TERMINAL]
    return "\n".join(f"    {line}" for line in lines + ends)


def _status(status: str | None) -> str:
    return f"`{status}`" if status else "(new)"


# Errors

# What a gRPC code means to a caller. The order is that of the page.
_MEANINGS = {
    "INVALID_ARGUMENT": "The request is wrong in itself. Correct it; `details` names the fields.",
    "UNIMPLEMENTED": "There is no such path or method.",
    "UNAUTHENTICATED": "The key or token is not accepted. Use another.",
    "PERMISSION_DENIED": "The caller is known and may not do this. An operator can change that.",
    "NOT_FOUND": "There is no such thing, or it is another client's.",
    "ALREADY_EXISTS": "The name or the idempotency key stands for something else.",
    "FAILED_PRECONDITION": "The state of the job or the key does not allow it, now or any more.",
    "RESOURCE_EXHAUSTED": "Too much at once. Try again after the time in `Retry-After`.",
    "UNAVAILABLE": "A part of the service is away. Try again.",
    "INTERNAL": "A fault of ours. The log has it, under the request id.",
}
_ERRORS_INTRO = f"""\
# Errors

A refused call ends with a reason. Over gRPC it is the `reason` of the one `google.rpc.ErrorInfo`
(domain `{DOMAIN}`) in the status details; fields at fault are in `google.rpc.BadRequest`. Over
REST the answer is the contract's `ErrorBody`, with its coarser `code` and an HTTP status; fields at
fault are in `error.details`. Reasons of the admin and worker services come over gRPC alone."""


def _errors() -> Iterable[str]:
    yield _ERRORS_INTRO
    for name, reasons in _by_grpc_code():
        yield f"## {name}\n\n{_MEANINGS[name]}"
        rows = [
            (f"`{reason}`", f"`{WIRE[reason].code}`", str(WIRE[reason].http_status))
            for reason in reasons
        ]
        yield _table(["Reason", "Code over REST", "HTTP status"], rows)
    codes = ", ".join(f"`{code}`" for code in JobErrorCode)
    yield (
        "## Failed jobs\n\nA job that fails is not a refused call: reading it succeeds, and its "
        f"`error.code` is one of {codes}."
    )


def _by_grpc_code() -> list[tuple[str, list[Reason]]]:
    """The reasons of each code, in the order of the meanings; one without a meaning is a fault."""
    reasons: dict[str, list[Reason]] = {name: [] for name in _MEANINGS}
    for reason, wire in WIRE.items():
        reasons[code_pb2.Code.Name(wire.grpc_code)].append(reason)
    return list(reasons.items())


_SOURCES: dict[str, tuple[str, Callable[[], Iterable[str]]]] = {
    "settings.md": ("tickets/settings.py", _settings),
    "lifecycle.md": ("tickets/lifecycle.py and tickets/deliveries.py", _lifecycle),
    "errors.md": ("tickets/errors.py", _errors),
}


if __name__ == "__main__":
    main()
