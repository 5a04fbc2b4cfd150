"""Running a job again beside the first: for operators, and unseen by the job's client."""

from uuid import uuid4

import pytest
from taskforge.admin.v1 import clients_pb2, jobs_pb2
from taskforge.tickets.v1 import jobs_pb2 as tickets_pb2

from tests.hands import Hands, complete_request
from tests.ollama_peer import SMALL
from tests.refusals import reason_of
from tests.stack import SPEC, Caller, Stack
from tests.storage import execute, identifier
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"
NOWHERE = "https://callbacks.invalid/hook"


def operator_job(stack: Stack, job_id: str) -> jobs_pb2.Job:
    return stack.jobs.GetJob(jobs_pb2.GetJobRequest(job_id=job_id), metadata=stack.operator)


def replay(stack: Stack, job_id: str, model: str = "") -> str:
    request = jobs_pb2.ReplayJobRequest(job_id=job_id, model=model)
    return stack.jobs.ReplayJob(request, metadata=stack.operator).job.job_id


def refusal(stack: Stack, job_id: str) -> str:
    request = jobs_pb2.ReplayJobRequest(job_id=job_id)
    return reason_of(stack.jobs.ReplayJob, request, stack.operator)


def ended(stack: Stack, job_id: str) -> jobs_pb2.Job:
    terminal = {tickets_pb2.JOB_STATUS_COMPLETED, tickets_pb2.JOB_STATUS_FAILED}

    def found() -> jobs_pb2.Job | None:
        job = operator_job(stack, job_id)
        return job if job.job.status in terminal else None

    job = eventually(found)
    assert job is not None
    return job


@pytest.fixture
def original(idle_caller: Caller, hands: Hands) -> str:
    """A job that has ended, where no worker takes the next one."""
    job_id = idle_caller.submit(SPEC, ticket_count=3)
    hands.complete(hands.take(job_id))
    return job_id


def test_a_replay_is_done_by_the_model_that_is_named(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit(SPEC, ticket_count=4)
    caller.wait(job_id)
    before = caller.get(f"{JOBS}/{job_id}/result")

    again = ended(stack, replay(stack, job_id, SMALL))

    first = operator_job(stack, job_id)
    assert again.result.generation.model == SMALL
    assert first.result.generation.model != SMALL
    assert len(again.result.tickets) == len(first.result.tickets) == 4
    assert (again.replay_of, again.model, again.client_name) == (job_id, SMALL, "")
    assert list(first.replays) == [again.job.job_id]
    assert first.client_name == caller.name
    after = caller.get(f"{JOBS}/{job_id}/result")
    assert (after.content, after.headers["ETag"]) == (before.content, before.headers["ETag"])


def test_a_model_that_is_not_there_fails_the_replay_alone(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit()
    caller.wait(job_id)

    again = ended(stack, replay(stack, job_id, "no-such:1b"))

    assert again.job.error.code == "ollama_unavailable"
    assert "no-such:1b" in again.job.error.message
    assert caller.job(job_id)["status"] == "completed"


def test_the_worker_gets_the_same_request_and_the_model(
    idle_caller: Caller, hands: Hands, original: str
) -> None:
    again = replay(hands.stack, original, "llama:8b")
    held = hands.take(again)

    assert held.job.model == "llama:8b"
    assert held.job.spec == SPEC
    assert held.job.options.ticket_count == 3
    assert hands.take(idle_caller.submit()).job.model == ""


def test_the_jobs_client_sees_nothing_of_it(
    idle_caller: Caller, hands: Hands, original: str
) -> None:
    again = replay(hands.stack, original)

    listed = [job["job_id"] for job in idle_caller.get(JOBS).json()["jobs"]]
    assert listed == [original]
    for method, path in (("GET", ""), ("GET", "/result"), ("DELETE", "")):
        assert idle_caller.call(method, f"{JOBS}/{again}{path}").status_code == 404
    stack = hands.stack
    listing = clients_pb2.ListClientsRequest()
    clients = stack.clients.ListClients(listing, metadata=stack.operator).clients
    assert "(replays)" not in [client.name for client in clients]


def test_it_takes_no_room_in_the_clients_queue(stack_without_worker: Stack, hands: Hands) -> None:
    caller = stack_without_worker.caller(max_queued=1)
    job_id = caller.submit()
    hands.complete(hands.take(job_id))

    for _ in range(2):
        replay(hands.stack, job_id)

    assert caller.submit()


def test_nobody_is_called_back(idle_caller: Caller, hands: Hands) -> None:
    body = {
        "schema_version": "tickets.input.v1",
        "idempotency_key": str(uuid4()),
        "title": "Returns portal",
        "spec": SPEC,
        "callback_url": NOWHERE,
    }
    job_id = idle_caller.post(body).json()["job_id"]
    hands.complete(hands.take(job_id))

    again = replay(hands.stack, job_id)
    hands.complete(hands.take(again))

    (sent,) = execute(
        hands.stack,
        "SELECT count(*) FROM deliveries WHERE job_id IN (?, ?)",
        identifier(hands.stack, job_id),
        identifier(hands.stack, again),
    )
    assert sent == (1,)


def test_a_replay_of_a_replay_runs_the_original_again(hands: Hands, original: str) -> None:
    first = replay(hands.stack, original)
    hands.complete(hands.take(first))

    second = replay(hands.stack, first)

    assert operator_job(hands.stack, second).replay_of == original
    assert list(operator_job(hands.stack, original).replays) == [first, second]


def test_only_a_job_that_has_ended_can_be_replayed(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    assert refusal(hands.stack, job_id) == "JOB_NOT_ENDED"
    hands.take(job_id)
    assert refusal(hands.stack, job_id) == "JOB_NOT_ENDED"
    assert refusal(hands.stack, str(uuid4())) == "JOB_NOT_FOUND"


def test_it_is_deleted_with_the_original(idle_caller: Caller, hands: Hands, original: str) -> None:
    again = replay(hands.stack, original)
    hands.complete(hands.take(again))

    stored = identifier(hands.stack, original)
    execute(hands.stack, "UPDATE jobs SET ended_at = 1000000 WHERE id = ?", stored)

    eventually(lambda: idle_caller.get(f"{JOBS}/{original}").status_code == 404)
    stack, request = hands.stack, jobs_pb2.GetJobRequest(job_id=again)
    assert reason_of(stack.jobs.GetJob, request, stack.operator) == "JOB_NOT_FOUND"


@pytest.mark.parametrize("runs", [False, True], ids=["waiting", "running"])
def test_one_that_has_not_ended_is_deleted_with_the_original_too(
    idle_caller: Caller, hands: Hands, original: str, runs: bool
) -> None:
    again = replay(hands.stack, original)
    held = hands.take(again) if runs else None

    stored = identifier(hands.stack, original)
    execute(hands.stack, "UPDATE jobs SET ended_at = 1000000 WHERE id = ?", stored)

    eventually(lambda: idle_caller.get(f"{JOBS}/{original}").status_code == 404)
    stack, request = hands.stack, jobs_pb2.GetJobRequest(job_id=again)
    assert reason_of(stack.jobs.GetJob, request, stack.operator) == "JOB_NOT_FOUND"
    kept = "SELECT count(*) FROM job_inputs WHERE job_id = ?"
    assert execute(stack, kept, identifier(stack, again)) == [(0,)]
    counters = "SELECT queued, running FROM clients WHERE name = '(replays)'"
    assert execute(stack, counters) == [(0, 0)]
    if held is not None:
        assert hands.reason("CompleteJob", complete_request(held)) == "LEASE_LOST"


def test_it_does_not_outlive_the_originals_retention(hands: Hands, original: str) -> None:
    almost_over = "UPDATE jobs SET ended_at = ended_at - ? WHERE id = ?"
    days = 30 * 86_400_000_000 - 3_600_000_000
    execute(hands.stack, almost_over, days, identifier(hands.stack, original))

    job = operator_job(hands.stack, replay(hands.stack, original)).job

    assert 3000 < job.expires_at.seconds - job.created_at.seconds <= 3600
