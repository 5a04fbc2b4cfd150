"""Bodies that are not strict JSON, or too large: a 400 that says what and where."""

import gzip
import json
import socket
from collections.abc import Iterator

import pytest
import requests

from tests.raw_http import address, chunk, exchange, head
from tests.refusals import assert_refused
from tests.stack import Caller, request

PATH = "/tickets/v1/jobs"
LIMIT = 1024 * 1024
JSON_TYPE = "application/json"


def send(
    caller: Caller,
    body: bytes | Iterator[bytes],
    content_type: str | None = JSON_TYPE,
    **headers: str,
) -> requests.Response:
    if content_type is not None:
        headers["Content-Type"] = content_type
    return caller.call("POST", PATH, data=body, headers=headers)


def with_member(member: str) -> bytes:
    """A valid request but for one more member, as JSON text."""
    return (json.dumps(request())[:-1] + f", {member}}}").encode()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"   ", "body"),
        (b"{", "body"),
        (b"{'title': 1}", "body"),
        (b'{"a": 1,}', "body"),
        (b'{"a": 1} {"b": 2}', "body"),
        (b"// comment\n{}", "body"),
        (b"[]", "body"),
        (b"null", "body"),
        (b'"text"', "body"),
        (b"3", "body"),
        (b"\xef\xbb\xbf{}", "body"),
        (b'{"title": "\xff"}', "body"),
        (b'{"title": "\xed\xa0\x80"}', "body"),
        ('{"title": "Käse"}'.encode("latin-1"), "body"),
        ('{"title": "a"}'.encode("utf-16"), "body"),
        (with_member('"title": "twice"'), "body"),
        (with_member('"options": {"ticket_count": 1, "ticket_count": 2}'), "options"),
        (with_member('"options": {"ticket_count": NaN}'), "options.ticket_count"),
        (with_member('"options": {"ticket_count": Infinity}'), "options.ticket_count"),
        (with_member('"options": {"ticket_count": -Infinity}'), "options.ticket_count"),
        (with_member('"options": {"ticket_count": 1e400}'), "options.ticket_count"),
        (with_member(f'"options": {{"ticket_count": {"9" * 5000}}}'), "options.ticket_count"),
        (with_member(f'"options": {{"ticket_count": 3.{"0" * 50}}}'), "options.ticket_count"),
        (with_member('"callback_url": "\\ud800"'), "callback_url"),
        (with_member('"callback_url": "https://a.example/\\u0000"'), "callback_url"),
        (with_member('"options": {"\\udfff": 1}'), "options.\ufffd"),
        (b"[" * 100_000, "body"),
        (with_member(f'"options": {"[" * 40}{"]" * 40}'), "options" + "[0]" * 31),
    ],
)
def test_a_body_that_is_not_strict_json_is_refused(
    idle_caller: Caller, body: bytes, field: str
) -> None:
    assert_refused(send(idle_caller, body), 400, "invalid_request", field=field)


def test_where_the_text_breaks_is_told(idle_caller: Caller) -> None:
    error = assert_refused(send(idle_caller, b'{\n  "title": oops}'), 400, "invalid_request")

    assert "line 2, column 12" in error["message"]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "text/plain", "text/json", "application/x-www-form-urlencoded", "application/jsonp"],
)
def test_another_content_type_is_refused(idle_caller: Caller, content_type: str | None) -> None:
    response = send(idle_caller, json.dumps(request()).encode(), content_type)

    assert_refused(response, 400, "invalid_request", field="Content-Type")


@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "us-ascii"])
def test_another_charset_is_refused(idle_caller: Caller, charset: str) -> None:
    response = send(idle_caller, json.dumps(request()).encode(), f"{JSON_TYPE}; charset={charset}")

    assert_refused(response, 400, "invalid_request", field="Content-Type")


@pytest.mark.parametrize(
    "content_type",
    [f"{JSON_TYPE}; charset=utf-8", f'{JSON_TYPE};charset="UTF-8"', "Application/JSON"],
)
def test_other_spellings_of_the_right_type_pass(idle_caller: Caller, content_type: str) -> None:
    response = send(idle_caller, json.dumps(request()).encode(), content_type)

    assert response.status_code == 202, response.text


def test_a_compressed_body_is_refused(idle_caller: Caller) -> None:
    body = gzip.compress(json.dumps(request()).encode())

    response = send(idle_caller, body, **{"Content-Encoding": "gzip"})

    assert_refused(response, 400, "invalid_request", field="Content-Encoding")


@pytest.mark.parametrize("coding", ["identity", "Identity"])
def test_a_body_that_says_it_is_not_compressed_is_read(idle_caller: Caller, coding: str) -> None:
    response = send(idle_caller, json.dumps(request()).encode(), **{"Content-Encoding": coding})

    assert response.status_code == 202, response.text


def test_a_chunked_body_is_read(idle_caller: Caller) -> None:
    body = json.dumps(request()).encode()

    response = send(idle_caller, iter([body[:10], body[10:]]))

    assert response.status_code == 202, response.text


def body_of(size: int) -> bytes:
    """A valid request of exactly this many bytes."""
    plain = json.dumps(request(spec="")).encode()
    return plain.replace(b'"spec": ""', b'"spec": "%s"' % (b"s" * (size - len(plain))))


def test_a_body_at_the_limit_is_accepted(idle_caller: Caller) -> None:
    assert send(idle_caller, body_of(LIMIT)).status_code == 202


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(idle_caller: Caller, chunked: bool) -> None:
    body = body_of(LIMIT + 1)

    response = send(idle_caller, iter([body]) if chunked else body)

    error = assert_refused(response, 400, "request_too_large")
    assert str(LIMIT) in error["message"]


@pytest.mark.parametrize("path", [PATH, "/nowhere", "/docs"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_is_told_that_its_connection_ends_with_a_body_that_nobody_reads(
    idle_caller: Caller, path: str, chunked: bool
) -> None:
    """Otherwise it would send its next request into a connection that is closed already."""
    body = body_of(2 * LIMIT)
    for _ in range(5):
        response = idle_caller.call("POST", path, data=iter([body]) if chunked else body)

        assert response.status_code in {400, 404, 405}
        assert response.headers["Connection"] == "close"
        assert idle_caller.get(PATH).status_code == 200  # in the same session


def test_a_refusal_whose_body_was_read_keeps_the_connection(idle_caller: Caller) -> None:
    assert "Connection" not in send(idle_caller, b"{").headers


def test_an_announced_size_is_refused_before_the_body_is_sent(idle_caller: Caller) -> None:
    status, body = exchange(idle_caller, [head(idle_caller, f"Content-Length: {10**12}")])

    assert status == 400
    assert json.loads(body)["error"]["code"] == "request_too_large"


def test_an_endless_chunked_body_is_refused_at_the_limit(idle_caller: Caller) -> None:
    pieces = [head(idle_caller, "Transfer-Encoding: chunked"), *[chunk(b" " * 65536)] * 17]

    status, body = exchange(idle_caller, pieces)  # its end is never sent

    assert status == 400
    assert json.loads(body)["error"]["code"] == "request_too_large"


def test_a_strangers_body_that_is_cut_off_is_401(idle_caller: Caller) -> None:
    host, _, port = address(idle_caller).rpartition(":")
    stranger = head(idle_caller, "Content-Length: 10").replace(b"Bearer tfk", b"Bearer not")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(stranger + b"{")
        connection.shutdown(socket.SHUT_WR)
        assert b" 401 " in connection.recv(65536).partition(b"\r\n")[0]


def test_a_body_that_is_cut_off_makes_no_job(idle_caller: Caller) -> None:
    body = json.dumps(request()).encode()
    host, _, port = address(idle_caller).rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head(idle_caller, f"Content-Length: {len(body) + 10}") + body)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)
    assert idle_caller.get("/tickets/v1/jobs").json() == {"jobs": []}
