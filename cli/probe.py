"""Whether the server of this container answers: `python -m cli.probe core|edge`."""

from urllib.request import urlopen

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli import environment
from cli.admin import CHANNEL_OPTIONS
from cli.failure import UnreachableFailure

TIMEOUT_S = 5


@click.command(help=__doc__)
@click.argument("server", type=click.Choice(["core", "edge"]))
def main(server: str) -> None:
    settings = environment.settings()
    try:
        if server == "core":
            _ask_core(settings.core_addr)
        else:
            _ask_edge(settings.edge_bind.rpartition(":")[2])
    except (grpc.RpcError, OSError) as fault:
        raise UnreachableFailure(f"{server} does not answer: {fault}") from None


def _ask_core(address: str) -> None:
    with grpc.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # its stubs lack it
        answer = check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise UnreachableFailure("core answers that it does not serve")


def _ask_edge(port: str) -> None:
    """Any status but a success is an `OSError` too."""
    with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=TIMEOUT_S):
        pass


if __name__ == "__main__":
    main()
