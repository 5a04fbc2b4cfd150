"""Operators' calls to core: the channel, the token, and refusals turned into messages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from taskforge.admin.v1 import clients_pb2_grpc, deliveries_pb2_grpc, jobs_pb2_grpc, keys_pb2_grpc

from cli import environment, secret
from cli.failure import Failure, UnreachableFailure
from tickets.channel import open_channel
from tickets.errors import Reason
from tickets.settings import Settings
from tickets.status import from_trailers

_Answer = TypeVar("_Answer")

DEADLINE_S = 10


class Admin:
    """Core's services for operators.

    Attributes:
        clients: Stub of the ClientsService.
        keys: Stub of the KeysService.
        deliveries: Stub of the DeliveriesService.
        jobs: Stub of the JobsService.
    """

    def __init__(self, channel: grpc.Channel, token: str, address: str) -> None:
        self.clients = clients_pb2_grpc.ClientsServiceStub(channel)
        self.keys = keys_pb2_grpc.KeysServiceStub(channel)
        self.deliveries = deliveries_pb2_grpc.DeliveriesServiceStub(channel)
        self.jobs = jobs_pb2_grpc.JobsServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._address = address

    def call(self, rpc: Callable[..., _Answer], request: Any) -> _Answer:
        """The answer of an RPC; ends the command with a message when it is refused."""
        try:
            return rpc(request, metadata=self._metadata, timeout=DEADLINE_S)
        except grpc.RpcError as error:
            raise _failure(error, self._address) from None


@contextmanager
def connect(settings: Settings | None = None) -> Iterator[Admin]:
    """Core, as an operator reaches it by the settings."""
    settings = settings or environment.settings()
    token = secret.operator_token(settings)
    with open_channel(settings) as channel:
        yield Admin(channel, token, settings.core_addr)


def _failure(error: grpc.RpcError, address: str) -> Failure:
    refusal = from_trailers((item.key, item.value) for item in error.trailing_metadata() or ())
    if refusal is None:
        if error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}:
            return UnreachableFailure(
                f"core does not answer at {address}; start it with `taskforge up`, "
                f"or set TASKFORGE_CORE_ADDR ({error.details()})"
            )
        return Failure(f"core refused the call: {error.code().name}")
    if refusal.reason is Reason.KEY_INVALID:
        return Failure(
            "core does not take this operator token; set TASKFORGE_OPERATOR_TOKEN, or "
            "TASKFORGE_DATA_DIR to the folder of the `taskforge up` that runs"
        )
    lines = [f"{refusal.message} ({refusal.reason.value})"]
    if len(refusal.fields) > 1:
        lines += [f"  {fault.field}: {fault.problem}" for fault in refusal.fields]
    return Failure("\n".join(lines))
