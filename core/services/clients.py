"""`taskforge.admin.v1.ClientsService`: who may submit, what, and how much."""

import grpc
from taskforge.admin.v1 import clients_pb2, clients_pb2_grpc

from core import clients, clock
from core.models import Client


class Clients(clients_pb2_grpc.ClientsServiceServicer):
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
