"""How jobs and tickets look in a terminal: live progress on stderr, tables on stdout."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from rich.console import Console

from cli.output import console, plain, print_table, say
from cli.rest import Document
from cli.waiting import Watcher

_WORDS = {
    "accepted": "accepted",
    "queued": "waiting for a worker",
    "preparing_prompt": "reading the spec",
    "generating_tickets": "generating tickets",
    "validating_output": "checking the tickets",
}


@contextmanager
def progress() -> Iterator[Watcher]:
    """Shows where a job stands: live on a terminal, else a line per change."""
    started = time.monotonic()
    if not sys.stderr.isatty():
        yield _line_watcher(started)
        return
    terminal = Console(stderr=True, markup=False, highlight=False)
    status = _Line(started)
    with terminal.status(status):
        yield status.update


class _Line:
    """The text beside the spinner; rendered anew with each frame, so that its clock runs."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._words = "submitted"

    def update(self, status: str, stage: str) -> None:
        self._words = _describe(status, stage)

    def __rich__(self) -> str:
        return f"{self._words}  {_elapsed(self._started)}"


def _line_watcher(started: float) -> Watcher:
    shown = ""

    def watch(status: str, stage: str) -> None:
        nonlocal shown
        words = _describe(status, stage)
        if words != shown:
            say(f"{_elapsed(started)}  {words}")
            shown = words

    return watch


def _describe(status: str, stage: str) -> str:
    if status in {"queued", "processing"}:
        return _WORDS.get(stage, plain(stage))
    if status == "cancel_requested":
        return "being cancelled"
    return plain(status)


def _elapsed(started: float) -> str:
    minutes, seconds = divmod(int(time.monotonic() - started), 60)
    return f"{minutes}:{seconds:02}"


def show_job(job: Document) -> None:
    """One job as lines of a name and a value."""
    for name in ("job_id", "status", "stage", "created_at", "updated_at", "expires_at"):
        click.echo(f"{name:<12}{plain(job[name])}")
    if job["error"]:
        click.echo(f"{'error':<12}{plain(job['error']['code'])}: {plain(job['error']['message'])}")


def show_jobs(jobs: list[Document]) -> None:
    print_table(
        ["job_id", "status", "stage", "created_at", "error"],
        [
            [
                job["job_id"],
                job["status"],
                job["stage"],
                job["created_at"],
                job["error"] and job["error"]["code"],
            ]
            for job in jobs
        ],
    )


def show_result(result: Document) -> None:
    """The tickets as a table, then risks and questions."""
    source, generation = result["source"], result["generation"]
    screen = console()
    screen.print(plain(source["title"]), style="bold")
    screen.print(f"{plain(source['summary'])}\n")
    print_table(
        ["id", "type", "title", "points", "priority", "parent", "depends on"],
        [_ticket_row(ticket) for ticket in result["tickets"]],
        flexible=["title", "depends on"],
    )
    screen.print()
    _show_list(
        "Risks", [f"{r['id']} ({r['severity']}) {r['description']}" for r in result["risks"]]
    )
    _show_list("Open questions", [f"{q['id']} {q['question']}" for q in result["open_questions"]])
    seconds = generation["duration_ms"] / 1000
    screen.print(
        f"{len(result['tickets'])} tickets by {plain(generation['model'])}, {seconds:.1f} s"
    )


def _ticket_row(ticket: Document) -> list[Any]:
    return [
        ticket["external_id"],
        ticket["ticket_type"],
        ticket["title"],
        ticket["story_points"],
        ticket["priority"],
        ticket["parent_external_id"],
        ", ".join(ticket["dependencies"]),
    ]


def _show_list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    screen = console()
    screen.print(title, style="bold")
    for line in lines:
        screen.print(f"  {plain(line)}")
    screen.print()
