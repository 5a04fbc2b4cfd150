"""How tickets came about: told by the worker with its report, kept for operators alone."""

import json
import random
import zlib
from collections.abc import Sequence
from uuid import uuid4

import pytest
from taskforge.admin.v1 import jobs_pb2
from taskforge.worker.v1 import provenance_pb2

from tests.hands import Hands, complete_request, fail_request
from tests.refusals import reason_of
from tests.stack import SPEC, Caller, Stack
from tests.storage import execute, identifier
from tests.waiting import eventually
from worker.generation.journal import Journal
from worker.provenance import packed

COMPLETED, FAILED, RETRIED = (
    jobs_pb2.ATTEMPT_OUTCOME_COMPLETED,
    jobs_pb2.ATTEMPT_OUTCOME_FAILED,
    jobs_pb2.ATTEMPT_OUTCOME_RETRIED,
)
NOISE = random.Random(0).randbytes(300_000)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def attempts(stack: Stack, job_id: str) -> Sequence[jobs_pb2.Attempt]:
    request = jobs_pb2.ListAttemptsRequest(job_id=job_id)
    return stack.jobs.ListAttempts(request, metadata=stack.operator).attempts


def told(text: str = "{}", calls: int = 1) -> Journal:
    journal = Journal(model={"name": "llama", "digest": None, "context_length": 8192})
    for _ in range(calls):
        with journal.call(
            purpose="all", prompt="freeform 1", model="llama", server="", options={}
        ) as call:
            call.hear(text)
    return journal


def test_each_call_of_a_completed_job_is_told(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit()
    assert caller.wait(job_id)["status"] == "completed"

    (attempt,) = attempts(stack, job_id)

    assert (attempt.number, attempt.outcome) == (1, COMPLETED)
    story = attempt.provenance
    assert story.model["name"] == "scripted:8b"
    assert story.model["digest"] == "0" * 64
    assert story.worker_id
    call = story.calls[0]
    assert call.prompt.startswith("freeform ")
    assert call.options["num_ctx"] in {4096, 8192}
    assert json.loads(call.text)["tickets"]
    assert (call.finish_reason, call.error) == ("stop", "")
    result = caller.get(f"/tickets/v1/jobs/{job_id}/result").json()
    spent = [call.completion_tokens for call in story.calls]
    assert sum(spent) == result["generation"]["completion_tokens"]
    assert len(call.text) == call.text_length


def test_every_attempt_of_a_job_is_told(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit(f"{SPEC}\n[[peer: fail-once {uuid4()}]]")
    assert caller.wait(job_id)["status"] == "completed"

    first, second = attempts(stack, job_id)

    assert (first.outcome, second.outcome) == (RETRIED, COMPLETED)
    assert "status 500" in first.provenance.calls[-1].error
    assert not second.provenance.calls[-1].error


def test_a_failed_job_tells_what_the_model_wrote(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit(f"{SPEC}\n[[peer: garbage]]")
    assert caller.wait(job_id)["status"] == "failed"

    (attempt,) = attempts(stack, job_id)

    assert attempt.outcome == FAILED
    assert all(call.text.startswith("Of course!") for call in attempt.provenance.calls)


def test_no_client_sees_it(stack: Stack, caller: Caller) -> None:
    job_id = caller.submit(f"{SPEC}\n[[peer: garbage]]")
    caller.wait(job_id)

    request = jobs_pb2.ListAttemptsRequest(job_id=job_id)
    assert reason_of(stack.jobs.ListAttempts, request, caller.metadata) == "WRONG_AUDIENCE"
    assert reason_of(stack.jobs.ListAttempts, request, stack.worker_metadata) == "KEY_INVALID"
    for path in (f"/tickets/v1/jobs/{job_id}", f"/tickets/v1/jobs/{job_id}/result"):
        assert "Of course!" not in caller.get(path).text


def test_a_job_that_is_not_there_has_no_attempts(stack: Stack) -> None:
    request = jobs_pb2.ListAttemptsRequest(job_id=UNKNOWN)
    assert reason_of(stack.jobs.ListAttempts, request, stack.operator) == "JOB_NOT_FOUND"


def test_a_worker_that_tells_nothing_completes_its_job(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    hands.complete(hands.take(job_id))

    assert idle_caller.job(job_id)["status"] == "completed"
    assert not attempts(hands.stack, job_id)


@pytest.mark.parametrize("brought", [b"not compressed", NOISE], ids=["garbage", "large"])
def test_what_cannot_be_kept_or_read_costs_no_result(
    idle_caller: Caller, hands: Hands, brought: bytes
) -> None:
    job_id = idle_caller.submit()
    request = complete_request(hands.take(job_id))
    request.provenance = brought
    hands.call("CompleteJob", request)

    assert idle_caller.job(job_id)["status"] == "completed"
    assert not any(attempt.provenance.calls for attempt in attempts(hands.stack, job_id))


def test_it_is_stored_once_when_a_report_is_repeated(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    request = complete_request(hands.take(job_id))
    request.provenance = packed(told(), "hands")
    for _ in range(2):
        hands.call("CompleteJob", request)

    assert len(attempts(hands.stack, job_id)) == 1


def test_a_report_that_comes_too_late_brings_nothing(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    held = hands.take(job_id)
    hands.release(held)
    late = fail_request(held, provenance=packed(told(), "hands"))

    assert hands.reason("FailJob", late) == "LEASE_LOST"
    assert not attempts(hands.stack, job_id)


def test_it_is_deleted_with_the_job(idle_caller: Caller, hands: Hands) -> None:
    job_id = idle_caller.submit()
    hands.call("FailJob", fail_request(hands.take(job_id), provenance=packed(told(), "hands")))
    assert attempts(hands.stack, job_id)

    stored = identifier(hands.stack, job_id)
    execute(hands.stack, "UPDATE jobs SET ended_at = 1000000 WHERE id = ?", stored)

    eventually(lambda: idle_caller.get(f"/tickets/v1/jobs/{job_id}").status_code == 404)
    (left,) = execute(hands.stack, "SELECT count(*) FROM job_attempts WHERE job_id = ?", stored)
    assert left == (0,)


@pytest.mark.parametrize(
    ("text", "calls"),
    [("word " * 100_000, 1), (NOISE[:30_000].hex(), 100), ("\N{SNOWMAN}" * 9000, 300)],
    ids=["one long answer", "answers that do not compress", "many answers"],
)
def test_however_much_a_model_writes_it_fits_in_a_report(text: str, calls: int) -> None:
    content = packed(told(text, calls), "hands")

    story = provenance_pb2.Provenance.FromString(zlib.decompress(content))
    assert len(content) <= 256 * 1024
    assert len(story.calls) + story.calls_left_out == calls
    for call in story.calls:
        assert call.text_length == len(text)
        assert text.startswith(call.text)


def test_half_characters_of_a_model_can_be_told() -> None:
    story = provenance_pb2.Provenance.FromString(zlib.decompress(packed(told("a\ud800\0b"), "x")))
    assert story.calls[0].text == "a?\0b"
