"""The worker, played by a test over gRPC: claims jobs and reports on them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
from taskforge.tickets.v1 import jobs_pb2, result_pb2
from taskforge.worker.v1 import worker_pb2

from tests.refusals import reason_of
from tests.stack import Stack
from tests.storage import execute
from tickets.decoding import decode


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed job with its lease."""

    token: str
    job: worker_pb2.ClaimedJob

    @property
    def lease(self) -> dict[str, Any]:
        """The fields that every report begins with."""
        return {"job_id": self.job.job_id, "lease_token": self.token}


class Hands:
    """A worker with no mind of its own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.worker_id = f"hands-{uuid4()}"
        self._claimed: list[Held] = []

    def call(self, rpc: str, request: Any) -> Any:
        method = getattr(self.stack.workers, rpc)
        metadata = self.stack.worker_metadata
        # A channel to a core that was restarted may take a second to find it.
        return method(request, metadata=metadata, wait_for_ready=True, timeout=30)

    def reason(self, rpc: str, request: Any) -> str:
        """Why a report is refused."""
        return reason_of(getattr(self.stack.workers, rpc), request, self.stack.worker_metadata)

    def claim(self, token: str | None = None) -> Held | None:
        token = token or str(uuid4())
        request = worker_pb2.ClaimJobRequest(worker_id=self.worker_id, lease_token=token)
        answer = self.call("ClaimJob", request)
        if not answer.HasField("job"):
            return None
        self._claimed.append(Held(token, answer.job))
        return self._claimed[-1]

    def take(self, job_id: str) -> Held:
        """Claims, and expects this job."""
        held = self.claim()
        assert held is not None
        assert held.job.job_id == job_id
        return held

    def beat(self, held: Held, stage: str = "UNSPECIFIED", progress: str = "") -> None:
        self.call("Heartbeat", beat_request(held, stage, progress))

    def complete(self, held: Held, **changes: Any) -> None:
        self.call("CompleteJob", complete_request(held, **changes))

    def fail(self, held: Held, **changes: Any) -> None:
        self.call("FailJob", fail_request(held, **changes))

    def release(self, held: Held) -> None:
        self.call("ReleaseJob", release_request(held))

    def clear(self) -> None:
        """Ends every job that is held or waits, so that what is claimed next is known."""
        for held in self._claimed:
            with suppress(grpc.RpcError):  # it has ended
                self.fail(held)
        execute(self.stack, "UPDATE jobs SET available_at = 1 WHERE status = 'queued'")
        while left := self.claim():
            self.fail(left)


def beat_request(
    held: Held, stage: str = "UNSPECIFIED", progress: str = ""
) -> worker_pb2.HeartbeatRequest:
    number = jobs_pb2.JobStage.Value(f"JOB_STAGE_{stage}")
    return worker_pb2.HeartbeatRequest(**held.lease, stage=number, progress=progress)


def complete_request(held: Held, **changes: Any) -> worker_pb2.CompleteJobRequest:
    document = {**result_document(held.job.job_id), **changes}
    result = decode(result_pb2.TicketsResult, document, nulls=True)
    return worker_pb2.CompleteJobRequest(**held.lease, result=result)


def fail_request(
    held: Held,
    *,
    code: str = "model_output_invalid",
    message: str = "the model wrote prose",
    retryable: bool = False,
    provenance: bytes = b"",
) -> worker_pb2.FailJobRequest:
    error = jobs_pb2.TicketsJobError(code=code, message=message)
    return worker_pb2.FailJobRequest(
        **held.lease, error=error, retryable=retryable, provenance=provenance
    )


def release_request(held: Held) -> worker_pb2.ReleaseJobRequest:
    return worker_pb2.ReleaseJobRequest(**held.lease)


def result_document(job_id: str) -> dict[str, Any]:
    """A small valid result: an epic with a story in it."""
    return {
        "schema_version": "tickets.result.v1",
        "job_id": job_id,
        "source": {"title": "Returns portal", "summary": "Shoppers return items."},
        "tickets": [
            ticket("SPEC-1", ticket_type="epic", story_points=None, priority=None),
            ticket("SPEC-2", parent_external_id="SPEC-1"),
        ],
        "risks": [
            {
                "id": "RISK-1",
                "description": "Labels may be lost.",
                "severity": "low",
                "related_ticket_ids": ["SPEC-2"],
            }
        ],
        "open_questions": [
            {"id": "Q-1", "question": "Who pays the postage?", "related_ticket_ids": []}
        ],
        "generation": {
            "model": "scripted",
            "duration_ms": 5,
            "prompt_tokens": None,
            "completion_tokens": 0,
            "finish_reason": "stop",
        },
    }


def ticket(external_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "external_id": external_id,
        "ticket_type": "story",
        "title": "Print a label",
        "description": "A shopper prints a label at home.",
        "acceptance_criteria": ["The label carries the order's number."],
        "labels": ["portal"],
        "dependencies": [],
        "story_points": 3,
        "priority": "high",
        "parent_external_id": None,
        "metadata": {"confidence": 0.5, "rank": 1, "nested": {"list": [1, None, "x", True]}},
        **changes,
    }
