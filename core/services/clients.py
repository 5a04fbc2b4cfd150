"""`taskforge.admin.v1.ClientsService`: who may submit, what, and how much."""

from datetime import timedelta

import grpc
from taskforge.admin.v1 import clients_pb2, clients_pb2_grpc

from core import clients, clock
from core.callback_secrets import CallbackSecrets
from core.models import Client

_OVERLAP = timedelta(hours=24)


class Clients(clients_pb2_grpc.ClientsServiceServicer):
    def __init__(self, secrets: CallbackSecrets) -> None:
        self._secrets = secrets

    def CreateClient(
        self, request: clients_pb2.CreateClientRequest, context: grpc.ServicerContext
    ) -> clients_pb2.Client:
        return _message(clients.create(request.name))

    def ListClients(
        self, request: clients_pb2.ListClientsRequest, context: grpc.ServicerContext
    ) -> clients_pb2.ListClientsResponse:
        return clients_pb2.ListClientsResponse(
            clients=[_message(client) for client in clients.list_all()]
        )

    def SuspendClient(
        self, request: clients_pb2.SuspendClientRequest, context: grpc.ServicerContext
    ) -> clients_pb2.Client:
        return _message(clients.suspend(request.name))

    def ResumeClient(
        self, request: clients_pb2.ResumeClientRequest, context: grpc.ServicerContext
    ) -> clients_pb2.Client:
        return _message(clients.resume(request.name))

    def UpdateClientFeatures(
        self, request: clients_pb2.UpdateClientFeaturesRequest, context: grpc.ServicerContext
    ) -> clients_pb2.Client:
        return _message(
            clients.update_features(
                request.name, enable=set(request.enable), disable=set(request.disable)
            )
        )

    def UpdateClientLimits(
        self, request: clients_pb2.UpdateClientLimitsRequest, context: grpc.ServicerContext
    ) -> clients_pb2.Client:
        limits = request.limits
        return _message(
            clients.update_limits(
                request.name,
                rate_limit=limits.rate_limit if limits.HasField("rate_limit") else None,
                max_queued=limits.max_queued if limits.HasField("max_queued") else None,
                reset=request.reset,
            )
        )

    def GetCallbackSecret(
        self, request: clients_pb2.GetCallbackSecretRequest, context: grpc.ServicerContext
    ) -> clients_pb2.CallbackSecret:
        return self._secret(clients.named(request.name))

    def RotateCallbackSecret(
        self, request: clients_pb2.RotateCallbackSecretRequest, context: grpc.ServicerContext
    ) -> clients_pb2.CallbackSecret:
        overlap = request.overlap.ToTimedelta() if request.HasField("overlap") else _OVERLAP
        return self._secret(clients.rotate_callback_secret(request.name, overlap))

    def _secret(self, client: Client) -> clients_pb2.CallbackSecret:
        message = clients_pb2.CallbackSecret(
            client_name=client.name, secret=self._secrets.text(client)
        )
        until = client.previous_secret_until or 0
        if until > clock.now():
            message.previous_signs_until.CopyFrom(clock.timestamp(until))
        return message


def _message(client: Client) -> clients_pb2.Client:
    return clients_pb2.Client(
        client_id=str(client.id),
        name=client.name,
        suspended=client.suspended_at is not None,
        features=client.features.split(),
        limits=clients_pb2.ClientLimits(rate_limit=client.rate_limit, max_queued=client.max_queued),
        queued_jobs=client.queued,
        running_jobs=client.running,
        created_at=clock.timestamp(client.created_at),
    )
