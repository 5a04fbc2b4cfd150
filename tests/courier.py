"""The worker that delivers, played by a test over gRPC: claims deliveries and reports on them."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from taskforge.admin.v1 import deliveries_pb2 as admin_pb2
from taskforge.admin.v1 import deliveries_pb2_grpc as admin_pb2_grpc
from taskforge.worker.v1 import deliveries_pb2, deliveries_pb2_grpc

from tests.hands import Hands
from tests.refusals import reason_of
from tests.stack import SPEC, Caller, Stack
from tests.stack import request as submit_request
from tests.storage import execute, identifier

URL = "https://hooks.example.com/{job_id}/done?job={job_id}"
PENDING, DELIVERING, DELIVERED, FAILED = (
    admin_pb2.DELIVERY_STATUS_PENDING,
    admin_pb2.DELIVERY_STATUS_DELIVERING,
    admin_pb2.DELIVERY_STATUS_DELIVERED,
    admin_pb2.DELIVERY_STATUS_FAILED,
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery with its lease."""

    token: str
    delivery: deliveries_pb2.ClaimedDelivery

    @property
    def lease(self) -> dict[str, Any]:
        """The fields that every report begins with."""
        return {"delivery_id": self.delivery.delivery_id, "lease_token": self.token}


class Courier:
    """A worker with no legs of its own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.stub = deliveries_pb2_grpc.DeliveriesServiceStub(stack.channel)
        self.worker_id = f"courier-{uuid4()}"

    def call(self, rpc: str, request: Any) -> Any:
        method = getattr(self.stub, rpc)
        return method(request, metadata=self.stack.worker_metadata, wait_for_ready=True, timeout=30)

    def reason(self, rpc: str, request: Any) -> str:
        """Why a report is refused."""
        return reason_of(getattr(self.stub, rpc), request, self.stack.worker_metadata)

    def claim(self, token: str | None = None) -> Parcel | None:
        token = token or str(uuid4())
        answer = self.call("ClaimDelivery", claim_request(self, token))
        return Parcel(token, answer.delivery) if answer.HasField("delivery") else None

    def take(self) -> Parcel:
        parcel = self.claim()
        assert parcel is not None
        return parcel

    def report(self, parcel: Parcel, http_status: int, retry_after_s: int | None = None) -> None:
        self.call("ReportDelivery", report_request(parcel, http_status, retry_after_s))

    def release(self, parcel: Parcel) -> None:
        self.call("ReleaseDelivery", release_request(parcel))


def claim_request(courier: Courier, token: str) -> deliveries_pb2.ClaimDeliveryRequest:
    return deliveries_pb2.ClaimDeliveryRequest(worker_id=courier.worker_id, lease_token=token)


def report_request(
    parcel: Parcel, http_status: int, retry_after_s: int | None = None
) -> deliveries_pb2.ReportDeliveryRequest:
    request = deliveries_pb2.ReportDeliveryRequest(**parcel.lease, http_status=http_status)
    if retry_after_s is not None:
        request.retry_after.FromSeconds(retry_after_s)
    return request


def release_request(parcel: Parcel) -> deliveries_pb2.ReleaseDeliveryRequest:
    return deliveries_pb2.ReleaseDeliveryRequest(**parcel.lease)


def submit(caller: Caller, url: str = URL, spec: str = SPEC) -> str:
    """A job with a callback URL."""
    response = caller.post(submit_request(callback_url=url, spec=spec))
    assert response.status_code == 202, response.text
    return str(response.json()["job_id"])


def ended_job(caller: Caller, hands: Hands, url: str = URL) -> str:
    """Such a job that has just been completed."""
    job_id = submit(caller, url)
    hands.complete(hands.take(job_id))
    return job_id


def delivery_of(stack: Stack, job_id: str) -> admin_pb2.Delivery:
    """A job's one delivery."""
    [delivery] = deliveries_of(stack, job_id)
    return delivery


def deliveries_of(stack: Stack, job_id: str) -> list[admin_pb2.Delivery]:
    """A job's deliveries, as operators see them."""
    stub = admin_pb2_grpc.DeliveriesServiceStub(stack.channel)
    request = admin_pb2.ListDeliveriesRequest(job_id=job_id)
    return list(stub.ListDeliveries(request, metadata=stack.operator, timeout=30).deliveries)


def redeliver(stack: Stack, delivery_id: str) -> admin_pb2.Delivery:
    stub = admin_pb2_grpc.DeliveriesServiceStub(stack.channel)
    request = admin_pb2.RedeliverRequest(delivery_id=delivery_id)
    return stub.Redeliver(request, metadata=stack.operator, timeout=30)


def hurry(stack: Stack, job_id: str) -> None:
    """Lets the wait for a job's next attempt be over."""
    execute(
        stack,
        "UPDATE deliveries SET available_at = 1 WHERE status = 'pending' AND job_id = ?",
        identifier(stack, job_id),
    )
