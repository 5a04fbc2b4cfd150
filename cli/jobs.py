"""`taskforge tickets`: submit specs, watch jobs, fetch tickets, as a caller over REST."""

import sys
import uuid
from pathlib import Path
from typing import Any, TypeVar

import click

from cli import display, rest
from cli.failure import (
    EXIT_INTERRUPTED,
    Failure,
    NotReadyFailure,
    SettingsFailure,
    UnreachableFailure,
)
from cli.help import Group
from cli.output import json_option, json_text, print_json, say, write_atomically
from cli.waiting import wait

_Command = TypeVar("_Command", bound=Any)


def _out_option(command: _Command) -> _Command:
    return click.option(
        "--out",
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the result as JSON to a file, whole or not at all.",
    )(command)


@click.group(cls=Group)
def tickets() -> None:
    """Turn specs into tickets.

    For callers: needs TASKFORGE_API_KEY (or TASKFORGE_API_KEY_FILE), and
    TASKFORGE_URL when the server is not at http://127.0.0.1:8080.

    Example:
      taskforge tickets submit SPEC.md --title "Shop" --wait --out shop.json
    """


@tickets.command()
@click.argument("spec", metavar="SPEC.md", type=click.Path(allow_dash=True))
@click.option("--title", required=True, help="Short name for the work.")
@click.option("--count", metavar="N", type=click.IntRange(1), help="Exactly this many tickets.")
@click.option("--max", "most", metavar="N", type=click.IntRange(1), help="At most this many.")
@click.option(
    "--detail",
    type=click.Choice(["compact", "standard", "detailed"]),
    help="How much is said about each ticket.",
)
@click.option("--no-epics", is_flag=True, help="No epics, and so no parents.")
@click.option("--idempotency-key", metavar="K", help="Makes a repeated submit the same job.")
@click.option("--callback-url", metavar="URL", help="HTTPS address to call when the job ends.")
@click.option("--wait", "waits", is_flag=True, help="Wait for the result and show it.")
@_out_option
@json_option
def submit(
    *,
    spec: str,
    title: str,
    idempotency_key: str | None,
    callback_url: str | None,
    waits: bool,
    out: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Submit a spec, a text file or - for stdin.

    Prints the job's id, or with --wait the tickets. Ctrl-C while it waits asks
    whether to cancel the job; a second Ctrl-C leaves it running.

    Each submit is a new job, unless you give --idempotency-key: the same key
    with the same content always means the same job, whatever became of it.

    Examples:
      taskforge tickets submit SPEC.md --title "Shop" --count 8 --wait
      id=$(taskforge tickets submit SPEC.md --title "Shop")
    """
    if out and not waits:
        raise click.UsageError("--out needs --wait; or fetch later with `tickets result`.")
    api = rest.connect()
    key = idempotency_key or str(uuid.uuid4())
    body = rest.submission(title, _read(spec), key, _options(**asked), callback_url)
    accepted = _submit(api, body)
    job_id = accepted["job_id"]
    if waits:
        finish(api, job_id, out=out, as_json=as_json)
    elif as_json:
        print_json(accepted)
    else:
        say(f"Accepted. Follow it with: taskforge tickets result {job_id} --wait")
        click.echo(job_id)


@tickets.command()
@click.argument("job_id")
@json_option
def status(job_id: str, as_json: bool) -> None:
    """Say where a job stands."""
    _show_job(rest.connect().job(job_id), as_json)


@tickets.command()
@click.argument("job_id")
@click.option("--wait", "waits", is_flag=True, help="Wait for the job to end.")
@_out_option
@json_option
def result(job_id: str, waits: bool, out: Path | None, as_json: bool) -> None:
    """Fetch the tickets of a completed job, checked against the contract.

    Ends with 4 while the job has not ended, and with 1 when it ended without
    tickets.

    Example:
      taskforge tickets result JOB_ID --wait --out tickets.json
    """
    api = rest.connect()
    if waits:
        finish(api, job_id, out=out, as_json=as_json)
    else:
        deliver(api, job_id, out=out, as_json=as_json)


@tickets.command()
@click.argument("job_id")
@json_option
def cancel(job_id: str, as_json: bool) -> None:
    """Cancel a job that has not ended."""
    _show_job(rest.connect().cancel(job_id), as_json)


@tickets.command("list")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many.",
)
@json_option
def list_jobs(limit: int, as_json: bool) -> None:
    """List your jobs, newest first."""
    jobs = rest.connect().jobs(limit)
    if as_json:
        print_json({"jobs": jobs})
    else:
        display.show_jobs(jobs)


def finish(api: rest.Api, job_id: str, *, out: Path | None, as_json: bool) -> None:
    """Waits for a job with a progress display, then delivers its result."""
    try:
        with display.progress() as watcher:
            wait(api, job_id, watcher)
    except KeyboardInterrupt:
        _interrupted(api, job_id)
    deliver(api, job_id, out=out, as_json=as_json)


def deliver(api: rest.Api, job_id: str, *, out: Path | None, as_json: bool) -> None:
    """Fetches a result, checks it, and writes and prints it."""
    document = api.result(job_id)
    if document is None:
        raise NotReadyFailure(f"job {job_id} has not ended; wait with --wait")
    if "tickets" not in document:
        raise _without_tickets(document, as_json)
    _check(document)
    if out:
        write_atomically(out, json_text(document) + "\n")
        say(f"Written to {out}")
    if as_json:
        print_json(document)
    else:
        display.show_result(document)


def _check(document: rest.Document) -> None:
    # Its schema engine takes a while to load, and only results need it.
    from tickets.validation import result_problems  # noqa: PLC0415 - see above

    problems = result_problems(document)
    if problems:
        raise Failure("\n  ".join(["the result breaks the contract:", *problems]))


def _options(count: int | None, most: int | None, detail: str | None, no_epics: bool) -> Any:
    options = {
        "ticket_count": count,
        "max_ticket_count": most,
        "output_detail": detail,
        "include_epics": False if no_epics else None,
    }
    return {name: value for name, value in options.items() if value is not None}


def _read(spec: str) -> str:
    try:
        data = sys.stdin.buffer.read() if spec == "-" else Path(spec).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as fault:
        raise SettingsFailure(f"{spec}: {fault.strerror or fault}") from None
    except UnicodeDecodeError:
        raise SettingsFailure(f"{spec}: is not a text in UTF-8") from None


def _submit(api: rest.Api, body: rest.Document) -> rest.Document:
    try:
        return api.submit(body)
    except UnreachableFailure as failure:
        raise UnreachableFailure(
            f"{failure.message}\n  To repeat without making two jobs, add: "
            f"--idempotency-key {body['idempotency_key']}"
        ) from None


def _interrupted(api: rest.Api, job_id: str) -> None:
    """After Ctrl-C: offers to cancel on a terminal, and ends the command either way."""
    stays = f"Job {job_id} goes on. See it with: taskforge tickets result {job_id} --wait"
    try:
        on_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        if on_terminal and click.confirm("\nCancel the job?", default=False, err=True):
            say(f"Job {job_id} is {api.cancel(job_id)['status'].replace('_', ' ')}.")
            stays = ""
    except (click.Abort, KeyboardInterrupt):
        say("")
    if stays:
        say(stays)
    sys.exit(EXIT_INTERRUPTED)


def _show_job(job: rest.Document, as_json: bool) -> None:
    if as_json:
        print_json(job)
    else:
        display.show_job(job)


def _without_tickets(job: rest.Document, as_json: bool) -> Failure:
    if as_json:
        print_json(job)
    error = job["error"]
    cause = f": {error['code']}: {error['message']}" if error else ""
    return Failure(f"job {job['job_id']} ended as {job['status']}{cause}")
