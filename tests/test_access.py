"""Who is let in over REST: keys, scopes, suspension, features, and the order of the checks."""

import json
from collections.abc import Callable
from http.client import HTTPConnection

import pytest
import requests

from core.keys import make
from tests.operators import another_key, limit, resume, revoke, suspend, switch_tickets
from tests.raw_http import address
from tests.refusals import assert_refused
from tests.stack import ALL_SCOPES, Caller, Stack, request
from tests.waiting import eventually

JOBS = "/tickets/v1/jobs"
JOB = f"{JOBS}/0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11"
OPERATIONS = [
    ("POST", JOBS, "tickets:submit"),
    ("POST", "/v1/task-generation/jobs", "tickets:submit"),
    ("GET", JOBS, "tickets:read"),
    ("GET", JOB, "tickets:read"),
    ("GET", f"{JOB}/result", "tickets:read"),
    ("GET", "/tickets/v1/schema", "tickets:read"),
    ("DELETE", JOB, "tickets:cancel"),
]


def ask(stack: Stack, authorization: str | None, path: str = JOBS) -> requests.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return requests.get(stack.url + path, headers=headers, timeout=30)


def mistyped(key: str) -> str:
    """The key with its tenth last character changed."""
    other = "a" if key[-10] != "a" else "b"
    return f"{key[:-10]}{other}{key[-9:]}"


@pytest.mark.parametrize(
    "spelling",
    [
        lambda _: None,
        lambda _: "",
        lambda _: "Bearer",
        lambda _: "Bearer ",
        lambda key: key,
        lambda key: f"Basic {key}",
        lambda key: f"Bearer{key}",
        lambda key: f"Bearer {key} {key}",
        lambda key: f"Bearer {key[:-1]}",
        lambda key: f"Bearer {key}x",
        lambda key: f"Bearer {mistyped(key)}",
        lambda key: f"Bearer {key.swapcase()}",
        lambda key: f"Bearer {key}, Bearer {key}",
        lambda _: "Bearer tfk_000000000000_" + "0" * 38,
        lambda _: "Bearer " + "x" * 9000,
        lambda key: f"Bearer {key}" + "0" * 9000,
        lambda _: "Bearer schlüssel".encode().decode("latin-1"),
    ],
    ids=range(17),
)
def test_a_key_that_is_none_is_401(
    idle_caller: Caller, spelling: Callable[[str], str | None]
) -> None:
    response = ask(idle_caller.stack, spelling(idle_caller.key))

    assert_refused(response, 401, "unauthorized")
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_well_formed_key_that_was_never_issued_is_401(stack_without_worker: Stack) -> None:
    assert_refused(ask(stack_without_worker, f"Bearer {make().text}"), 401, "unauthorized")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_case_insensitive(idle_caller: Caller, scheme: str) -> None:
    assert ask(idle_caller.stack, f"{scheme} {idle_caller.key}").status_code == 200


def test_two_authorization_headers_are_401(idle_caller: Caller) -> None:
    connection = HTTPConnection(address(idle_caller), timeout=30)
    connection.putrequest("GET", JOBS)
    for _ in range(2):
        connection.putheader("Authorization", f"Bearer {idle_caller.key}")
    connection.endheaders()

    response = connection.getresponse()

    assert response.status == 401
    assert json.loads(response.read())["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("name", ["api_key", "key", "access_token", "authorization", "token"])
def test_a_key_in_the_query_is_401(idle_caller: Caller, name: str) -> None:
    response = ask(idle_caller.stack, None, f"{JOBS}?{name}={idle_caller.key}")

    assert_refused(response, 401, "unauthorized")
    assert idle_caller.key not in response.text


def test_a_revoked_key_is_told_so_at_once(idle_caller: Caller) -> None:
    assert idle_caller.get(JOBS).status_code == 200

    revoke(idle_caller)

    assert_refused(idle_caller.get(JOBS), 401, "key_revoked")


def test_an_expired_key_is_told_so(idle_caller: Caller) -> None:
    short = another_key(idle_caller, *ALL_SCOPES, seconds=0.05)

    eventually(lambda: short.get(JOBS).status_code != 200)

    assert_refused(short.get(JOBS), 401, "key_expired")
    assert idle_caller.get(JOBS).status_code == 200


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_each_operation_asks_for_its_scope(
    idle_caller: Caller, method: str, path: str, scope: str
) -> None:
    others = another_key(idle_caller, *(each for each in ALL_SCOPES if each != scope))
    only = another_key(idle_caller, scope)

    error = assert_refused(others.call(method, path, json=request()), 403, "forbidden")

    assert scope in error["message"]
    assert only.call(method, path, json=request()).status_code in {200, 202, 404}


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_a_suspended_client_is_refused_everywhere_until_resumed(
    idle_caller: Caller, method: str, path: str, scope: str
) -> None:
    suspend(idle_caller)
    assert_refused(idle_caller.call(method, path, json=request()), 403, "client_suspended")

    resume(idle_caller)
    assert idle_caller.call(method, path, json=request()).status_code in {200, 202, 404}


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_without_the_feature_a_client_is_refused_everywhere(
    idle_caller: Caller, method: str, path: str, scope: str
) -> None:
    switch_tickets(idle_caller, on=False)
    assert_refused(idle_caller.call(method, path, json=request()), 403, "feature_disabled")

    switch_tickets(idle_caller, on=True)
    assert idle_caller.call(method, path, json=request()).status_code in {200, 202, 404}


def test_size_is_checked_before_the_key(stack_without_worker: Stack) -> None:
    large = requests.post(stack_without_worker.url + JOBS, data=b" " * 2_000_000, timeout=30)

    assert_refused(large, 400, "request_too_large")


def test_checks_come_in_order_key_client_feature_scope_rate_shape(idle_caller: Caller) -> None:
    """Everything is wrong at first; each time the first fault is mended, the next one shows."""
    reader = another_key(idle_caller, "tickets:read")
    revoked = another_key(idle_caller, "tickets:read")
    revoke(revoked)
    suspend(idle_caller)
    switch_tickets(idle_caller, on=False)
    limit(idle_caller, rate="1/hour", max_queued=0)

    assert_refused(revoked.post({}), 401, "key_revoked")
    assert_refused(reader.post({}), 403, "client_suspended")
    resume(idle_caller)
    assert_refused(reader.post({}), 403, "feature_disabled")
    switch_tickets(idle_caller, on=True)
    assert_refused(reader.post({}), 403, "forbidden")
    assert_refused(reader.post({}), 403, "forbidden")  # and has not counted
    assert_refused(idle_caller.post({}), 400, "invalid_request")
    assert_refused(idle_caller.post({}), 429, "rate_limited")
    limit(idle_caller, rate="100/hour")
    assert_refused(idle_caller.post({}), 400, "invalid_request")
    assert_refused(idle_caller.post(request()), 429, "queue_full")


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"a": 1, "a": 1}', b'{"title": 1}'])
def test_a_strangers_broken_body_is_401(stack_without_worker: Stack, body: bytes) -> None:
    response = requests.post(
        stack_without_worker.url + JOBS,
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=30,
    )

    assert_refused(response, 401, "unauthorized")


def test_a_strangers_broken_query_is_401(stack_without_worker: Stack) -> None:
    assert_refused(ask(stack_without_worker, None, f"{JOBS}?page_size=x"), 401, "unauthorized")
    assert_refused(ask(stack_without_worker, None, f"{JOBS}/not-a-uuid"), 401, "unauthorized")


def test_a_suspended_client_learns_nothing_about_its_body(idle_caller: Caller) -> None:
    suspend(idle_caller)

    assert_refused(idle_caller.call("POST", JOBS, data=b"{"), 403, "client_suspended")


def test_keys_stand_in_no_log_and_no_answer(idle_caller: Caller) -> None:
    key = idle_caller.key
    answers = [
        idle_caller.post(request()),
        idle_caller.post({"title": 1}),
        ask(idle_caller.stack, key),
        ask(idle_caller.stack, f"Bearer {mistyped(key)}"),
        ask(idle_caller.stack, f"Bearer {key}", f"{JOBS}?api_key={key}"),
        ask(idle_caller.stack, f"Bearer {key}", f"/nowhere/{key}"),
    ]

    told = idle_caller.stack.logs() + "".join(
        f"{answer.headers}{answer.text}" for answer in answers
    )

    assert key.rpartition("_")[2] not in told
    assert mistyped(key) not in told
