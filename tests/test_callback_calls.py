"""One call to a receiver: whom it reaches, what it trusts, and how little it can be kept by."""

import gzip
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from taskforge.worker.v1 import deliveries_pb2

from tests.certificates import Authority
from tests.receiver import (
    Flood,
    Receiver,
    answering,
    dripping,
    dripping_body,
    silent,
)
from tests.waiting import eventually
from worker.callbacks.post import Answer, Post
from worker.callbacks.tls import TrustError, trust

TIMEOUT_S = 1.0
PUBLIC = "93.184.216.34"


Send = Callable[..., Answer]


@pytest.fixture
def send(authority: Authority) -> Send:
    """Calls a URL as the worker does; trusts our authority, and lets the host be local."""

    def call(url: str, *, internal: bool = True, timeout_s: float = TIMEOUT_S) -> Answer:
        return Post(
            claimed(url, internal=internal, timeout_s=timeout_s), trust(authority.ca)
        ).send()

    return call


def claimed(
    url: str, *, internal: bool = True, timeout_s: float = TIMEOUT_S
) -> deliveries_pb2.ClaimedDelivery:
    delivery = deliveries_pb2.ClaimedDelivery(
        delivery_id="id",
        url=url,
        headers={"content-type": "application/json", "webhook-id": "id"},
        body=b'{"type": "tickets.job.completed"}',
        internal=internal,
    )
    delivery.timeout.FromTimedelta(timedelta(seconds=timeout_s))
    return delivery


class Resolver:
    """Stands in for the name service; knows one host, with another answer at each look-up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, host: str, *answers: list[str]) -> None:
        self.asked: list[str] = []
        self._host = host
        self._answers = list(answers)
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._answer)

    def _answer(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        assert host == self._host
        self.asked.append(host)
        addresses = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return [found for one in addresses for found in self._real(one, port, *args, **options)]


# What arrives


def test_the_request_arrives_as_it_is(receiver: Receiver, send: Send) -> None:
    answer = send(receiver.url("/hook/7?job=7&x=%20y"))

    assert answer == Answer(http_status=204)
    [received] = receiver.received
    assert received.path == "/hook/7?job=7&x=%20y"
    assert received.body == b'{"type": "tickets.job.completed"}'
    headers = received.headers
    assert headers["host"] == f"localhost:{receiver.port}"
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "id"
    assert headers["accept-encoding"] == "identity"
    assert not {"authorization", "cookie", "proxy-authorization"} & set(headers)


def test_the_environments_proxies_and_passwords_are_not_for_it(
    receiver: Receiver, send: Send, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    (tmp_path / "netrc").write_text("machine localhost login me password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert send(receiver.url()).http_status == 204
    assert "authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [200, 202, 204, 299, 301, 307, 400, 410, 429, 503, 599])
def test_the_status_is_what_counts(receiver: Receiver, send: Send, status: int) -> None:
    receiver.always = answering(status)

    assert send(receiver.url()).http_status == status


def test_a_redirect_is_not_followed(receiver: Receiver, authority: Authority, send: Send) -> None:
    with Receiver(authority.server_context("localhost")) as elsewhere:
        receiver.always = answering(307, Location=elsewhere.url())

        assert send(receiver.url()).http_status == 307

        assert (len(receiver.received), elsewhere.connections) == (1, 0)


def test_a_cookie_does_not_come_back(receiver: Receiver, send: Send) -> None:
    receiver.always = answering(204, Set_Cookie="crumb=1")
    for _ in range(2):
        send(receiver.url())

    assert [("cookie" in received.headers) for received in receiver.received] == [False, False]


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [
        ("7", 7, 7),
        ("0", 0, 0),
        ("999999999999", 6 * 3600, 6 * 3600),
        (format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True), 3000, 3600),
        (format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True), 0, 0),
    ],
    ids=["seconds", "no time", "too long", "in an hour", "an hour ago"],
)
def test_the_time_to_wait_is_read_in_both_spellings(
    receiver: Receiver, send: Send, value: str, least: int, most: int
) -> None:
    receiver.always = answering(503, Retry_After=value)

    answer = send(receiver.url())

    assert answer.retry_after is not None
    assert least <= answer.retry_after.total_seconds() <= most


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "²", "9" * 40, "Sun, 99 Jan 2020"])
def test_a_time_to_wait_that_is_none_is_ignored(receiver: Receiver, send: Send, value: str) -> None:
    receiver.always = answering(503, Retry_After=value.encode().decode("latin-1"))

    assert send(receiver.url()) == Answer(http_status=503)


# What it can be kept by


@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}])
def test_a_huge_reply_is_left_unread(
    receiver: Receiver, send: Send, headers: dict[str, str]
) -> None:
    receiver.always = flood = Flood(**headers)

    assert send(receiver.url()) == Answer(http_status=200)

    # What lies in the buffers of two sockets, and no more.
    assert flood.sent < 32 * 1024**2


def test_a_compressed_reply_is_not_unpacked(receiver: Receiver, send: Send) -> None:
    bomb = gzip.compress(bytes(1024**2))
    receiver.always = lambda exchange: exchange.answer(200, bomb, Content_Encoding="gzip")

    assert send(receiver.url()) == Answer(http_status=200)


@pytest.mark.parametrize("reply", [dripping, silent])
def test_an_answer_that_does_not_come_ends_in_time(
    receiver: Receiver, send: Send, reply: Any
) -> None:
    receiver.always = reply
    began = time.monotonic()

    answer = send(receiver.url())

    assert answer == Answer(problem="the receiver has not answered within 1 s")
    assert TIMEOUT_S * 0.9 < time.monotonic() - began < 10


def test_a_reply_that_drips_behind_its_status_keeps_nobody(receiver: Receiver, send: Send) -> None:
    receiver.always = dripping_body

    assert send(receiver.url(), timeout_s=60) == Answer(http_status=200)


def test_a_receiver_that_does_not_speak_tls_ends_in_time(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        answer = send(f"https://localhost:{deaf.getsockname()[1]}/")

    assert answer == Answer(problem="the receiver has not answered within 1 s")


def test_it_can_be_cut_at_any_moment(receiver: Receiver, authority: Authority) -> None:
    receiver.always = silent
    post = Post(claimed(receiver.url(), timeout_s=60), trust(authority.ca))
    answers: list[Answer] = []
    caller = threading.Thread(target=lambda: answers.append(post.send()))
    caller.start()
    receiver.wait(1)

    post.cut()

    caller.join(10)
    assert [answer.http_status for answer in answers] == [None]


def test_a_look_up_that_hangs_ends_in_time(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [over.wait(30)][1:])
    try:
        assert "could not be looked up in time" in send("https://slow.example/").problem
    finally:
        over.set()


# Whom it trusts


def test_a_certificate_of_a_stranger_is_refused(receiver: Receiver) -> None:
    answer = Post(claimed(receiver.url()), trust(None)).send()

    assert answer.http_status is None
    assert "certificate is not valid" in answer.problem
    assert receiver.received == []


def test_a_certificate_for_another_host_is_refused(authority: Authority, send: Send) -> None:
    with Receiver(authority.server_context("hooks.example.com")) as other:
        answer = send(other.url())

        assert "certificate is not valid" in answer.problem
        assert "localhost" in answer.problem
        assert other.received == []


def test_an_own_authority_does_not_replace_the_public_ones(authority: Authority) -> None:
    public, both = trust(None), trust(authority.ca)

    assert both.cert_store_stats()["x509_ca"] == public.cert_store_stats()["x509_ca"] + 1 > 2


def test_a_file_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(TrustError, match=name):
            trust(tmp_path / name)


# Whom it reaches


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.0.0.8"],
        ["169.254.169.254"],
        ["0.0.0.0"],
        ["100.64.0.1"],
        ["::1"],
        ["fd00::1"],
        ["fe80::1%lo"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        [PUBLIC, "127.0.0.1"],
        [PUBLIC, "::1"],
    ],
    ids=str,
)
def test_a_name_with_a_private_address_is_not_called(
    receiver: Receiver, send: Send, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    Resolver(monkeypatch, "hooks.example.com", addresses)

    answer = send(f"https://hooks.example.com:{receiver.port}/", internal=False)

    assert answer.http_status is None
    assert "must not be" in answer.problem
    assert receiver.connections == 0


def test_a_private_address_itself_is_not_called(receiver: Receiver, send: Send) -> None:
    answer = send(f"https://127.0.0.1:{receiver.port}/", internal=False)

    assert "must not be" in answer.problem
    assert receiver.connections == 0


def test_what_was_checked_is_what_is_called(
    authority: Authority, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that has one address when it is checked, and another when it is called.

    Loopback stands in for the world: 127.0.0.2 counts as public here. The
    certificate is still that of the name.
    """
    monkeypatch.setattr(
        "worker.callbacks.addresses.address_problem",
        lambda address: None if address == "127.0.0.2" else "must not be private",
    )
    resolver = Resolver(monkeypatch, "hooks.example.com", ["127.0.0.2"], ["127.0.0.1"])
    context = authority.server_context("hooks.example.com")
    with (
        Receiver(context, host="hooks.example.com", address="127.0.0.2") as public,
        Receiver(context, port=public.port) as private,
    ):
        answer = send(public.url(), internal=False)

        assert answer == Answer(http_status=204)
        assert resolver.asked == ["hooks.example.com"]
        assert (len(public.received), private.connections) == (1, 0)
        assert public.received[0].headers["host"] == f"hooks.example.com:{public.port}"


def test_an_address_that_does_not_answer_leaves_the_next_one(
    authority: Authority, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    Resolver(monkeypatch, "localhost", ["127.0.0.3", "127.0.0.1"])
    with Receiver(authority.server_context("localhost")) as started:
        assert send(started.url()).http_status == 204


def test_a_name_without_an_address_is_said_so(send: Send) -> None:
    answer = send("https://receiver.invalid/", timeout_s=20)

    assert answer == Answer(problem="the host's name has no address")


def test_nobody_there_is_said_so(send: Send) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    assert send(f"https://localhost:{port}/") == Answer(problem="the receiver cannot be reached")


def test_what_breaks_off_is_said_so(receiver: Receiver, send: Send) -> None:
    receiver.always = lambda exchange: None

    answer = send(receiver.url())

    eventually(lambda: receiver.received)
    assert answer == Answer(problem="the connection broke before the receiver answered")
