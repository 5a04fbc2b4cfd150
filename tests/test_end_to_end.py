"""From a spec to a checked result, through every process, with the scripted model."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from taskforge.tickets.v1 import jobs_pb2

from tests.ollama_peer import OllamaPeer
from tests.stack import SPEC, Caller, Stack, request
from tickets.graph import count_problems
from tickets.validation import result_problems


def test_a_spec_becomes_a_valid_result(caller: Caller) -> None:
    job_id = caller.submit(ticket_count=4)
    job = caller.wait(job_id)
    assert (job["status"], job["stage"], job["error"]) == ("completed", "completed", None)
    result = caller.get(f"/tickets/v1/jobs/{job_id}/result").json()
    assert result_problems(result) == []
    assert result["job_id"] == job_id
    assert result["source"]["title"] == "Returns portal"
    assert len(result["tickets"]) == 4
    assert result["generation"]["model"] == "scripted:8b"
    assert result["generation"]["completion_tokens"] > 0


def test_the_options_are_kept(caller: Caller) -> None:
    job_id = caller.submit(ticket_count=3, include_epics=False, output_detail="compact")
    caller.wait(job_id)
    result = caller.get(f"/tickets/v1/jobs/{job_id}/result").json()
    problems = count_problems(result, ticket_count=3, max_ticket_count=50, include_epics=False)
    assert problems == []


def test_jobs_at_once_all_complete_with_results_of_their_own(caller: Caller) -> None:
    with ThreadPoolExecutor(8) as threads:
        job_ids = list(threads.map(lambda _: caller.submit(), range(16)))
        statuses = list(threads.map(lambda id_: caller.wait(id_)["status"], job_ids))
    assert statuses == ["completed"] * 16
    results = [caller.get(f"/tickets/v1/jobs/{id_}/result").json()["job_id"] for id_ in job_ids]
    assert results == job_ids


def test_grpc_and_rest_serve_the_same_result(stack: Stack, caller: Caller) -> None:
    accepted = stack.tickets.SubmitTicketsJob(
        jobs_pb2.TicketsJobSubmitRequest(**request()), metadata=caller.metadata
    )
    caller.wait(accepted.job_id)
    answer = stack.tickets.GetTicketsJobResult(
        jobs_pb2.GetTicketsJobResultRequest(job_id=accepted.job_id), metadata=caller.metadata
    )
    over_rest = caller.get(accepted.result_url).json()
    titles = [ticket.title for ticket in answer.result.tickets]
    assert titles == [ticket["title"] for ticket in over_rest["tickets"]]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("status 500", "ollama_unavailable"),
        ("reset", "ollama_unavailable"),
        ("garbage", "model_output_invalid"),
    ],
)
def test_a_model_that_fails_for_good_fails_the_job_with_its_code(
    caller: Caller, fault: str, code: str
) -> None:
    job = caller.wait(caller.submit(f"{SPEC} [[peer: {fault}]]"), within_s=60)
    assert (job["status"], job["stage"]) == ("failed", "failed")
    assert job["error"]["code"] == code
    assert job["error"]["message"]


def test_a_passing_fault_is_tried_again(caller: Caller) -> None:
    job = caller.wait(caller.submit(f"{SPEC} [[peer: fail-once {caller.key_id}]]"), within_s=60)
    assert job["status"] == "completed"


def test_a_failed_jobs_result_is_its_status(caller: Caller) -> None:
    job_id = caller.submit(f"{SPEC} [[peer: status 500]]")
    job = caller.wait(job_id, within_s=60)
    assert caller.get(f"/tickets/v1/jobs/{job_id}/result").json() == job


def test_cancelling_a_running_job_frees_the_model(caller: Caller, peer: OllamaPeer) -> None:
    gate = f"held-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    caller.wait(job_id, until={"processing"})
    _await_held(peer, gate)
    answer = caller.call("DELETE", f"/tickets/v1/jobs/{job_id}")
    assert answer.json()["status"] == "cancel_requested"
    # The gate stays shut: only the cancellation can end this call.
    assert caller.wait(job_id)["status"] == "cancelled"
    assert caller.wait(caller.submit())["status"] == "completed"


def test_stages_are_reported_while_a_job_runs(caller: Caller, peer: OllamaPeer) -> None:
    gate = f"stage-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    _await_held(peer, gate)
    deadline = time.monotonic() + 10
    while caller.job(job_id)["stage"] != "generating_tickets":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    peer.release(gate)
    assert caller.wait(job_id)["stage"] == "completed"


def test_a_stopped_worker_gives_its_job_back(
    stack: Stack, caller: Caller, peer: OllamaPeer
) -> None:
    gate = f"drain-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    _await_held(peer, gate)
    assert stack.worker.stop() == 0
    assert caller.job(job_id)["status"] == "queued"
    peer.release(gate)
    stack.worker.start()
    assert caller.wait(job_id)["status"] == "completed"


def test_a_killed_workers_job_runs_again(stack: Stack, caller: Caller, peer: OllamaPeer) -> None:
    gate = f"kill-{caller.key_id}"
    job_id = caller.submit(f"{SPEC} [[peer: hold {gate}]]")
    _await_held(peer, gate)
    stack.worker.kill()
    peer.release(gate)
    stack.worker.start()
    assert caller.wait(job_id)["status"] == "completed"


def _await_held(peer: OllamaPeer, gate: str) -> None:
    """Waits until the model's server holds a call at the gate."""
    deadline = time.monotonic() + 20
    while not any(f"hold {gate}" in json.dumps(body) for body in peer.chats()):
        assert time.monotonic() < deadline, f"nothing is held at {gate}"
        time.sleep(0.02)
