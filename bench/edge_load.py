"""The load, in a process of its own: the same loop over sockets for every side.

A line of JSON in is one load, a line out its outcome. It ends when its input does.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from selectors import EVENT_READ, DefaultSelector
from time import perf_counter

from taskforge.tickets.v1 import jobs_pb2

from bench.edge_operations import KEY_PLACE, OPERATIONS, SUBMISSION
from bench.edge_wire import Connection, Grpc, Http1, RefusedError, Template, http1_request

_SILENCE_S = 10
_SERVICE = jobs_pb2.DESCRIPTOR.services_by_name["TicketsService"].full_name


@dataclass(frozen=True, slots=True)
class Load:
    """What to send.

    Attributes:
        port: Of the side, on loopback.
        over_grpc: Else over HTTP/1.1.
        operation: A name in OPERATIONS.
        job_id: Of the job that is asked for.
        key: The API key.
        in_flight: Requests at a time.
        seconds: How long to begin new ones.
    """

    port: int
    over_grpc: bool
    operation: str
    job_id: str
    key: str
    in_flight: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one load: the seconds that each request took, and that all took."""

    took: Sequence[float]
    seconds: float


def run(load: Load) -> Outcome:
    """Keeps as many requests in flight as asked for, until the time is over.

    Raises:
        RefusedError: An answer was no success, or none came.
    """
    connections = _grpc(load) if load.over_grpc else _http(load)
    took: list[float] = []
    with DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection.socket, EVENT_READ, connection)
        began = perf_counter()
        for connection in connections:
            connection.fill()
        while any(connection.waits() for connection in connections):
            took += _receive(selector, began + load.seconds)
    for connection in connections:
        connection.socket.close()
    return Outcome(took, perf_counter() - began)


def _receive(selector: DefaultSelector, deadline: float) -> list[float]:
    took: list[float] = []
    ready = selector.select(_SILENCE_S)
    if not ready:
        raise RefusedError(f"no answer within {_SILENCE_S} s")
    for key, _ in ready:
        connection: Connection = key.data
        took += connection.receive()
        if perf_counter() < deadline:
            connection.fill()
    return took


def _http(load: Load) -> Sequence[Connection]:
    operation = OPERATIONS[load.operation]
    request = http1_request(
        operation.http_method,
        operation.path.format(job_id=load.job_id),
        {"Host": f"127.0.0.1:{load.port}", "Authorization": f"Bearer {load.key}"},
        json.dumps(SUBMISSION).encode() if operation.http_method == "POST" else b"",
    )
    return [Http1(load.port, _template(request)) for _ in range(load.in_flight)]


def _grpc(load: Load) -> Sequence[Connection]:
    operation = OPERATIONS[load.operation]
    headers = [
        (":scheme", "http"),
        (":method", "POST"),
        (":path", f"/{_SERVICE}/{operation.rpc}"),
        (":authority", f"127.0.0.1:{load.port}"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "bench"),
        ("grpc-timeout", "30S"),
        ("authorization", f"Bearer {load.key}"),
    ]
    message = _template(operation.message(load.job_id).SerializeToString())
    return [Grpc(load.port, headers, message, load.in_flight)]


def _template(request: bytes) -> Template:
    return request.split(KEY_PLACE.encode())


def main() -> None:
    for line in sys.stdin:
        try:
            outcome = {"outcome": asdict(run(Load(**json.loads(line))))}
        except (RefusedError, OSError) as fault:
            outcome = {"fault": {"message": str(fault)}}
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
