"""How attempts at a job, and runs beside each other, look in a terminal."""

from itertools import zip_longest
from typing import Any

import click

from cli import display
from cli.output import plain, print_table
from cli.rest import Document

_ROWS = {
    "job": "job_id",
    "model": "model",
    "profile": "profile",
    "status": "status",
    "attempts": "attempts",
    "calls": "calls",
    "of them failed": "failed_calls",
    "prompt tokens": "prompt_tokens",
    "completion tokens": "completion_tokens",
    "faults mended": "repairs",
    "faults let pass": "let_pass",
    "open questions": "open_questions",
}


def show(job: Document) -> None:
    """A job as its client sees it, and what only operators see."""
    display.show_job(job["job"])
    if job["replay_of"]:
        click.echo(f"{'replay of':<12}{job['replay_of']}")
        click.echo(f"{'model':<12}{plain(job['model']) or 'whichever the worker uses'}")
    else:
        click.echo(f"{'client':<12}{plain(job['client_name'])}")
    for replay in job["replays"]:
        click.echo(f"{'replayed by':<12}{replay}")


def show_attempt(attempt: dict[str, Any], *, with_text: bool) -> None:
    """One attempt: its model, its calls and its repairs as tables."""
    story = attempt["provenance"]
    model = ", ".join(_known_of(story["model"]))
    seconds = story["duration_ms"] / 1000
    click.echo(f"Attempt {attempt['number']} {attempt['outcome']} after {seconds:.1f} s")
    click.echo(f"by {plain(story['worker_id'])}, model: {model}\n")
    _show_calls(story)
    if story["repairs"]:
        click.echo("")
        _show_repairs(story)
    click.echo("")
    if with_text:
        for number, call in enumerate(story["calls"], start=1):
            _show_text(number, call)


def _show_calls(story: dict[str, Any]) -> None:
    if not story["calls"]:
        click.echo("It asked the model nothing.")
        return
    several = len({call["server"] for call in story["calls"]}) > 1
    columns = ["call", "at s", "took s", "for", "prompt", "options", "tokens in", "out", "end"]
    print_table(
        [*columns, *(["server"] if several else [])],
        [
            [*_call_row(number, call), *([call["server"]] if several else [])]
            for number, call in enumerate(story["calls"], start=1)
        ],
        flexible=["for", "options", "end", "server"],
    )
    _say_left_out(story["calls_left_out"], "calls")


def _call_row(number: int, call: dict[str, Any]) -> list[Any]:
    options = " ".join(f"{name}={value}" for name, value in call["options"].items())
    return [
        number,
        f"{call['started_ms'] / 1000:.1f}",
        f"{call['duration_ms'] / 1000:.1f}",
        call["purpose"],
        call["prompt"],
        options,
        _known(call["prompt_tokens"]),
        _known(call["completion_tokens"]),
        call["error"] or call["finish_reason"],
    ]


def _show_repairs(story: dict[str, Any]) -> None:
    print_table(
        ["rule", "ticket", "done"],
        [[each["rule"], each["ticket"], each["done"] or "let pass"] for each in story["repairs"]],
        flexible=["rule", "ticket", "done"],
    )
    _say_left_out(story["repairs_left_out"], "repairs")


def _show_text(number: int, call: dict[str, Any]) -> None:
    cut = call["text_length"] - len(call["text"])
    more = f" (and {cut} characters more)" if cut > 0 else ""
    click.echo(f"Call {number} wrote{more}:")
    for line in call["text"].splitlines():
        click.echo(plain(line))
    click.echo("")


def show_runs(runs: list[dict[str, Any]]) -> None:
    """Runs of one job side by side: their figures, then their tickets in order."""
    columns = ["", *(f"replay {run['replay']}" if run["replay"] else "original" for run in runs)]
    figures = [[name, *(_known(run[key]) for run in runs)] for name, key in _ROWS.items()]
    figures.append(["seconds", *(f"{run['duration_ms'] / 1000:.1f}" for run in runs)])
    figures.append(["tickets", *(len(run["tickets"]) for run in runs)])
    figures.append(["error", *(run["error"] and run["error"]["message"] for run in runs)])
    print_table(columns, figures, flexible=columns[1:])
    tickets = zip_longest(*(run["tickets"] for run in runs))
    rows = [[number, *map(_ticket, row)] for number, row in enumerate(tickets, start=1)]
    if rows:
        click.echo("")
        print_table(columns, rows, flexible=columns[1:])


def _ticket(ticket: Document | None) -> str:
    return f"{ticket['ticket_type']}: {ticket['title']}" if ticket else ""


def _known_of(model: dict[str, Any]) -> list[str]:
    """What is known of a model, its name first; of its digest the beginning will do."""
    told = {
        **model,
        "digest": (model.get("digest") or "")[:12],
        "thinks": "yes" if model.get("thinks") else "no",
    }
    name = plain(told.pop("name", "unknown"))
    known = {key.replace("_", " "): value for key, value in told.items() if value}
    return [name, *(f"{key} {plain(value)}" for key, value in known.items())]


def _known(value: Any) -> Any:
    return "unknown" if value is None else value


def _say_left_out(count: int, what: str) -> None:
    if count:
        click.echo(f"and {count} {what} more")
