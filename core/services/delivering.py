"""`taskforge.worker.v1.DeliveriesService`: claims of deliveries and reports on them."""

from datetime import timedelta
from uuid import UUID

import grpc
from taskforge.worker.v1 import deliveries_pb2, deliveries_pb2_grpc

from core import clock, deliveries, delivery_turns
from core.callback_secrets import CallbackSecrets
from core.deliveries import Answer
from core.delivery_turns import Parcel
from core.models import Client
from tickets import callback_url
from tickets.settings import Settings

_HEADERS = {"content-type": "application/json", "user-agent": "taskforge-tickets"}


class Delivering(deliveries_pb2_grpc.DeliveriesServiceServicer):
    def __init__(self, settings: Settings, secrets: CallbackSecrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def ClaimDelivery(
        self, request: deliveries_pb2.ClaimDeliveryRequest, context: grpc.ServicerContext
    ) -> deliveries_pb2.ClaimDeliveryResponse:
        claimed = deliveries.claim(request.worker_id, UUID(request.lease_token), self._settings)
        if claimed is None:
            return deliveries_pb2.ClaimDeliveryResponse()
        message = self._message(claimed)
        message.others_wait = delivery_turns.is_there_any(request.worker_id, clock.now())
        return deliveries_pb2.ClaimDeliveryResponse(delivery=message)

    def ReportDelivery(
        self, request: deliveries_pb2.ReportDeliveryRequest, context: grpc.ServicerContext
    ) -> deliveries_pb2.ReportDeliveryResponse:
        answer = Answer(
            http_status=request.http_status if request.HasField("http_status") else None,
            problem=request.problem,
            retry_after=(
                request.retry_after.ToTimedelta() if request.HasField("retry_after") else None
            ),
        )
        deliveries.report(UUID(request.delivery_id), UUID(request.lease_token), answer)
        return deliveries_pb2.ReportDeliveryResponse()

    def ReleaseDelivery(
        self, request: deliveries_pb2.ReleaseDeliveryRequest, context: grpc.ServicerContext
    ) -> deliveries_pb2.ReleaseDeliveryResponse:
        deliveries.release(UUID(request.delivery_id), UUID(request.lease_token))
        return deliveries_pb2.ReleaseDeliveryResponse()

    def _message(self, parcel: Parcel) -> deliveries_pb2.ClaimedDelivery:
        """The request as the worker sends it: signed here, so that it needs no secret."""
        client = Client.get_by_id(parcel.client_id)
        signature = self._secrets.headers(parcel, client, clock.now())
        host = callback_url.target(parcel.url).host
        message = deliveries_pb2.ClaimedDelivery(
            delivery_id=str(parcel.id),
            url=parcel.url,
            headers={**_HEADERS, **signature},
            body=parcel.body,
            internal=host in self._settings.callback_internal_hosts,
        )
        message.timeout.FromTimedelta(timedelta(seconds=self._settings.callback_timeout_s))
        return message
