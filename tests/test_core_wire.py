"""The edge's calls to core over HTTP/2, before a server that does what HTTP/2 and TCP may do."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from h2.errors import ErrorCodes
from taskforge.tickets.v1 import jobs_pb2

from tests.grpc_script import Act, Call, ScriptedCore
from tests.processes import free_port
from tests.stack import Stack, request

SCHEMA = jobs_pb2.TicketsSchemaResponse(input_schema_version="tickets.input.v1")
ACCEPTED = jobs_pb2.TicketsJobAcceptedResponse(job_id="1")
LARGE = jobs_pb2.TicketsSchemaResponse(schema_json="x" * 3_000_000)

Edge = Callable[[ScriptedCore], str]


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    """Starts an edge before a scripted core; gives its address."""
    started: list[Stack] = []

    def start(core: ScriptedCore) -> str:
        stack = Stack({"TASKFORGE_CORE_ADDR": core.address}, tmp_path)
        stack.edge.start()
        started.append(stack)
        return stack.url

    yield start
    for stack in started:
        assert stack.edge.stop() == 0
        assert "Traceback" not in stack.logs()


@contextmanager
def core(*acts: Act, at_once: bool = False, window: int = 65_535) -> Iterator[ScriptedCore]:
    with ScriptedCore(acts, at_once=at_once, window=window) as started:
        yield started


def schema(url: str) -> requests.Response:
    return requests.get(f"{url}/tickets/v1/schema", timeout=20)


def submit(url: str, spec: str) -> requests.Response:
    return requests.post(f"{url}/tickets/v1/jobs", json=request(spec=spec), timeout=20)


def good(call: Call) -> None:
    call.answer(SCHEMA)


def test_a_connection_serves_call_after_call(edge: Edge) -> None:
    with core(good) as peer:
        url = edge(peer)
        for _ in range(20):
            assert schema(url).json()["input_schema_version"] == "tickets.input.v1"
        assert len(peer.calls) == 20
        assert len(peer.connections) == 1


def test_a_body_waits_for_the_room_that_is_granted(edge: Edge) -> None:
    with core(lambda call: call.answer(ACCEPTED), window=1_000) as peer:
        spec = "".join(f"Sentence {number}. " for number in range(20_000))
        assert submit(edge(peer), spec).status_code == 202
        sent = jobs_pb2.TicketsJobSubmitRequest.FromString(bytes(peer.calls[0].body[5:]))
        assert sent.spec == spec


def test_an_answer_that_comes_before_the_body_is_sent_is_taken(edge: Edge) -> None:
    def refuse_once(call: Call) -> None:
        call.refuse(14)

    with core(refuse_once, good, at_once=True, window=1_000) as peer:
        url = edge(peer)
        early = submit(url, "x" * 500_000)
        assert early.status_code == 500
        assert early.json()["error"]["code"] == "internal_error"
        assert schema(url).status_code == 200


def test_large_padded_and_continued_answers_are_read(edge: Edge) -> None:
    def continued(call: Call) -> None:
        call.answer(SCHEMA, ("ratelimit", "r=1"), *((f"more-{n}", "y" * 900) for n in range(30)))

    with core(
        lambda call: call.answer(SCHEMA, padding=200),
        continued,
        _in_pieces(LARGE),
    ) as peer:
        url = edge(peer)
        assert schema(url).json()["input_schema_version"] == "tickets.input.v1"
        assert schema(url).headers["RateLimit"] == "r=1"
        assert schema(url).json()["schema_json"] == LARGE.schema_json


def _in_pieces(message: jobs_pb2.TicketsSchemaResponse) -> Act:
    """Sends the message in frames as large as may be, as far as the client's window goes."""

    def act(call: Call) -> None:
        data = message.SerializeToString()
        framed = b"\0" + len(data).to_bytes(4) + data
        call.http2.send_headers(call.number, [(":status", "200")])
        for at in range(0, len(framed), 16_384):
            call.http2.send_data(call.number, framed[at : at + 16_384])
        call.http2.send_headers(call.number, [("grpc-status", "0")], end_stream=True)

    return act


def test_pings_are_answered(edge: Edge) -> None:
    def ping_first(call: Call) -> None:
        call.http2.ping(b"12345678")
        call.answer(SCHEMA)

    with core(ping_first) as peer:
        url = edge(peer)
        assert schema(url).status_code == 200
        assert schema(url).status_code == 200
        assert peer.pings_answered >= 1


def test_a_core_that_went_away_meanwhile_is_found_again(edge: Edge) -> None:
    def and_hang_up(call: Call) -> None:
        call.answer(SCHEMA)
        call.hang_up()

    def and_say_goodbye(call: Call) -> None:
        call.answer(SCHEMA)
        call.http2.close_connection()

    # A connection has first to have seen a call: what is still on its way when a peer hangs up
    # may take the answer with it.
    with core(good, and_hang_up, good, and_say_goodbye, good) as peer:
        url = edge(peer)
        for _ in range(5):
            assert schema(url).status_code == 200
            time.sleep(0.1)  # until the news has crossed the loopback
        assert len(peer.connections) == 3


def test_a_call_that_core_has_not_looked_at_is_made_again(edge: Edge) -> None:
    def leave(call: Call) -> None:
        call.http2.close_connection(last_stream_id=0)

    def refuse(call: Call) -> None:
        call.http2.reset_stream(call.number, ErrorCodes.REFUSED_STREAM)

    with core(leave, refuse, lambda call: call.answer(ACCEPTED)) as peer:
        assert submit(edge(peer), "A spec.").status_code == 202
        assert len(peer.calls) == 3


def test_a_call_that_may_have_been_made_is_not_made_again(edge: Edge) -> None:
    def give_up(call: Call) -> None:
        call.http2.reset_stream(call.number, ErrorCodes.INTERNAL_ERROR)

    with core(give_up, Call.hang_up, good) as peer:
        url = edge(peer)
        for _ in range(2):
            failed = submit(url, "A spec.")
            assert failed.status_code == 500
            assert failed.json()["error"]["code"] == "internal_error"
        assert len(peer.calls) == 2
        assert schema(url).status_code == 200


def test_what_speaks_no_grpc_is_no_core(edge: Edge) -> None:
    def proxy_error(call: Call) -> None:
        call.http2.send_headers(call.number, [(":status", "502")])
        call.http2.send_data(call.number, b"<html>bad gateway</html>", end_stream=True)

    def no_http2(call: Call) -> None:
        call.socket.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)

    def two_messages(call: Call) -> None:
        call.http2.send_headers(call.number, [(":status", "200")])
        call.http2.send_data(call.number, b"\0\0\0\0\0" * 2)
        call.http2.send_headers(call.number, [("grpc-status", "0")], end_stream=True)

    with core(proxy_error, no_http2, two_messages, good) as peer:
        url = edge(peer)
        for _ in range(3):
            failed = schema(url)
            assert failed.status_code == 500
            assert failed.json()["error"]["code"] == "internal_error"
        assert schema(url).status_code == 200


def test_an_address_that_nobody_listens_at_is_passed_over(edge: Edge) -> None:
    with core(good, Call.hang_up) as peer:
        peer.address = f"127.0.0.1:{free_port()},{peer.address}"
        url = edge(peer)
        assert schema(url).status_code == 200


def test_a_connection_that_has_gone_deaf_is_noticed_while_it_is_idle(edge: Edge) -> None:
    with core(good) as peer:
        url = edge(peer)
        assert schema(url).status_code == 200
        peer.deaf = True
        time.sleep(10)
        peer.deaf = False
        began = time.monotonic()
        assert schema(url).status_code == 200
        assert time.monotonic() - began < 5
        assert len(peer.connections) == 2


def test_a_silent_core_is_not_waited_for_without_end(edge: Edge) -> None:
    with core(lambda _: None) as peer:
        url = edge(peer)
        began = time.monotonic()
        assert requests.get(f"{url}/readyz", timeout=20).status_code == 503
        assert time.monotonic() - began < 10
