"""`taskforge jobs`: how tickets came about, and running a job again beside the first."""

from typing import Any

import click
from taskforge.admin.v1 import jobs_pb2

from cli import admin, display, job_display
from cli.admin import Admin
from cli.comparison import compared
from cli.failure import Failure
from cli.help import Group
from cli.output import json_option, print_json, say
from cli.rest import Document
from cli.waiting import wait
from tickets.codec import encode
from tickets.lifecycle import Status

# More are too narrow to be read in a terminal.
_SIDE_BY_SIDE = 3


@click.group(cls=Group)
def jobs() -> None:
    """See how a job's tickets came about; run it again with another model.

    For operators: talks to core at TASKFORGE_CORE_ADDR, and takes any client's
    job.

    Example:
      taskforge jobs provenance JOB_ID
      taskforge jobs replay JOB_ID --model qwen3:8b
    """


@jobs.command()
@click.argument("job_id")
@json_option
def show(job_id: str, as_json: bool) -> None:
    """Say where a job stands, whose it is, and what runs it again.

    With --json, its result is there too.
    """
    with admin.connect() as core:
        job = _job(core, job_id)
    if as_json:
        print_json(job)
    else:
        job_display.show(job)


@jobs.command()
@click.argument("job_id")
@click.option("--text", "with_text", is_flag=True, help="Show also what the model wrote.")
@json_option
def provenance(job_id: str, with_text: bool, as_json: bool) -> None:
    """Show each call to the model, and what was repaired.

    Of each attempt that has ended: what was asked, what came, and what was
    done about it. With --json, what the model wrote is always there.
    """
    with admin.connect() as core:
        attempts = _attempts(core, job_id)
    if as_json:
        print_json({"job_id": job_id, "attempts": attempts})
        return
    for attempt in attempts:
        job_display.show_attempt(attempt, with_text=with_text)
    if not attempts:
        say(f"Nothing is told of job {job_id}: no attempt at it has ended with a report.")


@jobs.command()
@click.argument("job_id")
@click.option("--model", required=True, metavar="M", help="As the model's server calls it.")
@click.option("--no-wait", is_flag=True, help="Print the new job's id and end.")
@json_option
def replay(job_id: str, model: str, no_wait: bool, as_json: bool) -> None:
    """Run an ended job again with another model.

    Shows both side by side once the new one has ended; ends with 1 when that
    gives no tickets. The job itself stays as it is. Its client sees nothing of
    the new one: it takes no room in the queue, is in no list, and calls nobody
    back.

    Examples:
      taskforge jobs replay JOB_ID --model qwen3:8b
      id=$(taskforge jobs replay JOB_ID --model qwen3:8b --no-wait)
    """
    request = jobs_pb2.ReplayJobRequest(job_id=job_id, model=model)
    with admin.connect() as core:
        begun = encode(core.call(core.jobs.ReplayJob, request))
        replay_id, original_id = begun["job"]["job_id"], begun["replay_of"]
        say(f"Job {replay_id} runs it again. Compare later: taskforge jobs compare {original_id}")
        if no_wait:
            _print_id(begun, as_json)
            return
        with display.progress() as watcher:
            ended = wait(_Standing(core), replay_id, watcher)
        _compare(core, _job(core, original_id), [_job(core, replay_id)], as_json)
    if ended["status"] != Status.COMPLETED:
        why = f": {ended['error']['message']}" if ended["error"] else ""
        raise Failure(f"job {replay_id} ended as {ended['status']}{why}")


@jobs.command()
@click.argument("job_id")
@json_option
def compare(job_id: str, as_json: bool) -> None:
    """Show a job and its replays side by side.

    Of a replay it shows the replay beside the original; of an original the
    last replays, and all of them with --json. `taskforge jobs show JOB_ID
    --json` has the whole tickets of one.
    """
    with admin.connect() as core:
        original = job = _job(core, job_id)
        if job["replay_of"]:
            original = _job(core, job["replay_of"])
            left_out, shown = 0, [job["job"]["job_id"]]
        else:
            left_out = 0 if as_json else max(len(job["replays"]) - _SIDE_BY_SIDE, 0)
            shown = job["replays"][left_out:]
        _compare(core, original, [_job(core, replay_id) for replay_id in shown], as_json)
    if left_out:
        say(f"Left out, as they are earlier: {left_out}. All are there with --json.")


class _Standing:
    """What `wait` asks for a job's status."""

    def __init__(self, core: Admin) -> None:
        self._core = core

    def job(self, job_id: str) -> Document:
        found: Document = _job(self._core, job_id)["job"]
        return found


def _job(core: Admin, job_id: str) -> Document:
    found: Document = encode(core.call(core.jobs.GetJob, jobs_pb2.GetJobRequest(job_id=job_id)))
    return found


def _attempts(core: Admin, job_id: str) -> list[Any]:
    request = jobs_pb2.ListAttemptsRequest(job_id=job_id)
    found: list[Any] = encode(core.call(core.jobs.ListAttempts, request))["attempts"]
    return found


def _compare(core: Admin, original: Document, replays: list[Document], as_json: bool) -> None:
    places = {replay_id: number for number, replay_id in enumerate(original["replays"], start=1)}
    runs = [
        compared(run, places.get(run["job"]["job_id"], 0), _attempts(core, run["job"]["job_id"]))
        for run in (original, *replays)
    ]
    if as_json:
        print_json({"runs": runs})
    else:
        job_display.show_runs(runs)


def _print_id(begun: Document, as_json: bool) -> None:
    if as_json:
        print_json(begun)
    else:
        click.echo(begun["job"]["job_id"])
