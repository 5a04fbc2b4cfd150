"""`taskforge.admin.v1.DeliveriesService`: how callbacks went, and sending them again."""

from uuid import UUID

import grpc
from taskforge.admin.v1 import deliveries_pb2, deliveries_pb2_grpc

from core import clock, deliveries
from core.deliveries import Logged
from core.models import DeliveryAttempt
from tickets.codec import enum_numbers
from tickets.deliveries import DeliveryEvent, DeliveryStatus, event_type
from tickets.lifecycle import Status

_STATUS = enum_numbers(deliveries_pb2.DeliveryStatus.DESCRIPTOR)


class Deliveries(deliveries_pb2_grpc.DeliveriesServiceServicer):
    def ListDeliveries(
        self, request: deliveries_pb2.ListDeliveriesRequest, context: grpc.ServicerContext
    ) -> deliveries_pb2.ListDeliveriesResponse:
        found = deliveries.of_job(UUID(request.job_id))
        return deliveries_pb2.ListDeliveriesResponse(
            deliveries=[_message(logged) for logged in found]
        )

    def Redeliver(
        self, request: deliveries_pb2.RedeliverRequest, context: grpc.ServicerContext
    ) -> deliveries_pb2.Delivery:
        return _message(deliveries.redeliver(UUID(request.delivery_id)))


def _message(logged: Logged) -> deliveries_pb2.Delivery:
    delivery = logged.delivery
    message = deliveries_pb2.Delivery(
        delivery_id=str(delivery.id),
        job_id=str(delivery.job_id),
        type=event_type(Status(delivery.job.status)),
        url=delivery.url,
        status=_STATUS[delivery.status],
        created_at=clock.timestamp(delivery.created_at),
        attempts=[_attempt(attempt) for attempt in logged.attempts],
    )
    if delivery.status == DeliveryStatus.PENDING:
        message.next_attempt_at.CopyFrom(clock.timestamp(delivery.available_at))
    if delivery.ended_at is not None:
        message.ended_at.CopyFrom(clock.timestamp(delivery.ended_at))
    return message


def _attempt(attempt: DeliveryAttempt) -> deliveries_pb2.DeliveryAttempt:
    return deliveries_pb2.DeliveryAttempt(
        worker_id=attempt.worker_id,
        started_at=clock.timestamp(attempt.started_at),
        ended_at=clock.timestamp(attempt.ended_at),
        http_status=attempt.http_status,
        error_code=DeliveryEvent.FAILED if attempt.problem else "",
        problem=attempt.problem,
    )
