"""No log holds a spec, a ticket or what a model has written, also where something goes wrong."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
from taskforge.tickets.v1 import jobs_pb2
from taskforge.worker.v1 import worker_pb2

from tests.conftest import storage
from tests.generation import ticket
from tests.hands import Hands, complete_request
from tests.hands import ticket as finished_ticket
from tests.ollama_peer import OllamaPeer
from tests.stack import Caller, Stack, running
from tests.stack import request as submission
from tests.storage import execute
from tests.test_worker_reports import LEASE, Core
from tests.waiting import eventually
from tickets import logs, validation
from tickets.errors import Reason
from tickets.status import from_trailers
from worker import attempts
from worker.attempts import Attempts
from worker.core_client import CoreClient
from worker.provider import Provider

# A word that stands in every text of ours here, and nowhere else.
WORD = "zanzibar"
SPEC = f"# {WORD} rooms\n\nGuests of {WORD} can book a room. The {WORD} page shows prices.\n"


@pytest.fixture(scope="module")
def talkative(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, OllamaPeer]]:
    """An installation that logs all it can."""
    with OllamaPeer() as peer:
        environ = {"TASKFORGE_OLLAMA_URL": peer.url, "TASKFORGE_LOG_LEVEL": "debug"}
        environ |= storage(backend, request)
        with running(environ, tmp_path_factory.mktemp("talkative")) as started:
            yield started, peer


def holds_no_text(stack: Stack) -> bool:
    told = [line for line in stack.logs().splitlines() if WORD in line.lower()]
    assert not told
    return True


def submitted(caller: Caller, marker: str, **options: Any) -> str:
    response = caller.post(submission(title=f"{WORD} {marker}", spec=SPEC, options=options))
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


@pytest.mark.parametrize(
    "marker",
    ["", "garbage", "loop", "error-line", "no-done", "length", "status 400", "reply wrong"],
)
def test_jobs_that_end_well_or_badly(talkative: tuple[Stack, OllamaPeer], marker: str) -> None:
    stack, peer = talkative
    wrong = ticket(f"{WORD} " * 90, type=WORD, criteria=[f"{WORD} \ud800"], sources=[99])
    peer.replies["wrong"] = json.dumps({"tickets": [wrong, {"title": WORD}], "summary": WORD})
    caller = stack.caller()
    job_id = submitted(caller, f"[[peer: {marker}]]" if marker else "", ticket_count=2)
    caller.wait(job_id)
    eventually(lambda: job_id in stack.worker.log.read_text())
    assert holds_no_text(stack)


def test_job_that_is_cancelled(talkative: tuple[Stack, OllamaPeer]) -> None:
    stack, _ = talkative
    caller = stack.caller()
    job_id = submitted(caller, "[[peer: hang]]")
    caller.wait(job_id, until={"processing"})
    caller.call("DELETE", f"/tickets/v1/jobs/{job_id}")
    caller.wait(job_id)
    assert holds_no_text(stack)


@pytest.mark.parametrize(
    "body",
    [
        {"spec": SPEC},
        submission(spec=[SPEC]),
        submission(title={WORD: WORD}),
        submission(spec=SPEC, options={"output_detail": WORD}),
        {**submission(spec=SPEC), WORD: SPEC},
        SPEC,
    ],
)
def test_requests_that_are_refused(talkative: tuple[Stack, OllamaPeer], body: Any) -> None:
    stack, _ = talkative
    assert stack.caller().post(body).status_code == 400
    assert holds_no_text(stack)


@pytest.mark.parametrize(
    "changes", [{"title": WORD * 100}, {"labels": [WORD * 10]}, {"dependencies": [WORD]}]
)
def test_results_that_core_does_not_take(hands: Hands, changes: dict[str, Any]) -> None:
    """What core says of them a worker logs."""
    hands.stack.caller().submit(SPEC)
    held = hands.claim()
    assert held is not None
    tickets = [{**finished_ticket("SPEC-1", description=WORD), **changes}]
    with pytest.raises(grpc.RpcError) as caught:
        hands.call("CompleteJob", complete_request(held, tickets=tickets))
    refusal = from_trailers(caught.value.trailing_metadata())
    assert refusal is not None
    assert refusal.reason is Reason.RESULT_INVALID
    assert WORD * 2 not in refusal.message
    assert holds_no_text(hands.stack)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": WORD * 100},
        {"priority": WORD},
        {"ticket_type": WORD},
        {"acceptance_criteria": WORD},
        {"labels": [[WORD]]},
        {"story_points": WORD},
    ],
)
def test_problems_of_a_result_are_told_by_place(changes: dict[str, Any]) -> None:
    document = {"tickets": [finished_ticket("SPEC-1", **changes)]}
    told = validation.result_problems(document)
    assert any(problem.startswith(f"tickets[0].{next(iter(changes))}") for problem in told)
    assert WORD not in "".join(told)


def test_storage_that_refuses_a_spec(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """PostgreSQL quotes the row that it refuses."""
    with running(storage(backend, request), tmp_path, ("core", "edge")) as stack:
        if backend == "sqlite":
            execute(
                stack,
                "CREATE TRIGGER refuse BEFORE INSERT ON job_inputs "
                "BEGIN SELECT RAISE(ABORT, 'refused'); END",
            )
        else:
            execute(stack, "ALTER TABLE job_inputs ADD CHECK (length(spec) < 0)")
        answer = stack.caller().post(submission(spec=SPEC, title=WORD))
        assert answer.json()["error"]["code"] == "storage_error"
        eventually(lambda: "failed in the database" in stack.logs())
        assert holds_no_text(stack)


def test_fault_of_our_own_is_told_by_where_it_was(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def generate(*_: Any, **__: Any) -> None:
        try:
            int(SPEC)
        except ValueError as fault:
            raise KeyError(SPEC) from fault

    monkeypatch.setattr(attempts, "generate", generate)
    job = worker_pb2.ClaimedJob(job_id=LEASE.job_id)
    job.options.output_detail = jobs_pb2.OUTPUT_DETAIL_STANDARD
    job.heartbeat_interval.FromSeconds(15)
    provider = Provider("http://127.0.0.1:9")
    Attempts(cast("CoreClient", Core()), provider, timeout_s=5).run(LEASE, job)
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    record.exc_text = None  # what another formatter has made of it
    told = logs.Formatter().format(record)
    assert WORD not in told
    assert LEASE.job_id in told
    assert told.index("ValueError") < told.index("which led to") < told.index("KeyError")
    assert "in generate" in told


def test_thread_that_ends_by_a_fault_tells_no_text() -> None:
    code = (
        "import threading; from tickets import logs; logs.configure('worker', 'info');"
        f"threading.Thread(target=int, args=['{WORD}'], name='call').start()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "thread call ended by a fault" in ended.stderr
    assert "ValueError" in ended.stderr
    assert WORD not in ended.stderr


def test_processes_log_so(talkative: tuple[Stack, OllamaPeer]) -> None:
    stack, _ = talkative
    assert "core INFO core.server: core listens on" in stack.logs()
    assert "edge INFO edge.server: edge listens on" in stack.logs()
    assert " DEBUG peewee" not in stack.logs()
