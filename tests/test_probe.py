"""The health check of the containers tells a server that serves from one that does not."""

import http.server
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from cli import probe

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@pytest.fixture
def core() -> Iterator[tuple[health.HealthServicer, dict[str, str]]]:
    servicer = health.HealthServicer()
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, {"TASKFORGE_CORE_ADDR": f"127.0.0.1:{port}"}
    server.stop(grace=None).wait()


class Edge(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def edge(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    monkeypatch.setattr(Edge, "status", 200)
    with http.server.HTTPServer(("127.0.0.1", 0), Edge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"TASKFORGE_EDGE_BIND": f"0.0.0.0:{server.server_port}"}
        server.shutdown()


def ask(server: str, environ: dict[str, str]) -> int:
    return CliRunner().invoke(probe.main, [server], env=environ).exit_code


def test_core_serves(core: tuple[health.HealthServicer, dict[str, str]]) -> None:
    servicer, environ = core
    servicer.set("", SERVING)
    assert ask("core", environ) == 0


def test_core_is_up_but_does_not_serve(
    core: tuple[health.HealthServicer, dict[str, str]],
) -> None:
    servicer, environ = core
    servicer.set("", NOT_SERVING)
    assert ask("core", environ) == 3


def test_edge_is_ready(edge: dict[str, str]) -> None:
    assert ask("edge", edge) == 0


def test_edge_is_not_ready(edge: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Edge, "status", 503)
    assert ask("edge", edge) == 3


@pytest.mark.parametrize("server", ["core", "edge"])
def test_nobody_answers(server: str) -> None:
    nowhere = {"TASKFORGE_CORE_ADDR": "127.0.0.1:1", "TASKFORGE_EDGE_BIND": "127.0.0.1:1"}
    assert ask(server, nowhere) == 3


def test_a_wrong_setting_is_told() -> None:
    assert ask("core", {"TASKFORGE_CORE_ADDR": "nowhere"}) == 2
