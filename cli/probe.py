"""Whether the server of this container answers: `python -m cli.probe core|edge`."""

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli import environment
from cli.failure import SettingsFailure, UnreachableFailure
from cli.loopback import edge_url, opener
from tickets.channel import open_channel
from tickets.settings import Settings, SettingsError

TIMEOUT_S = 5


@click.command(help=__doc__)
@click.argument("server", type=click.Choice(["core", "edge"]))
def main(server: str) -> None:
    settings = environment.settings()
    try:
        _ASK[server](settings)
    except SettingsError as fault:
        raise SettingsFailure(str(fault)) from None
    except (grpc.RpcError, OSError) as fault:
        raise UnreachableFailure(f"{server} does not answer: {fault}") from None


def _ask_core(settings: Settings) -> None:
    with open_channel(settings) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # its stubs lack it
        answer = check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise UnreachableFailure("core answers that it does not serve")


def _ask_edge(settings: Settings) -> None:
    """Any status but a success is an `OSError` too."""
    with opener().open(f"{edge_url(settings)}/readyz", timeout=TIMEOUT_S):
        pass


_ASK = {"core": _ask_core, "edge": _ask_edge}


if __name__ == "__main__":
    main()
