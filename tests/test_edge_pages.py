"""The edge's own pages, unknown paths, request ids, and what it says when core is away."""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests

from tests.raw_http import address
from tests.refusals import assert_refused
from tests.stack import Caller, Stack, request
from tests.waiting import eventually
from tickets import contract

JOBS = "/tickets/v1/jobs"
JOB = f"{JOBS}/0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11"


def ask(stack: Stack, path: str, method: str = "GET", **options: Any) -> requests.Response:
    return requests.request(method, stack.url + path, timeout=30, **options)


def test_the_contract_is_served_with_the_servers_own_address(stack_without_worker: Stack) -> None:
    response = ask(stack_without_worker, "/openapi.json")

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert response.json() == {**contract.openapi(), "servers": [{"url": stack_without_worker.url}]}


@pytest.mark.parametrize("host", ["", "two words", "<script>"])
def test_the_contract_is_served_where_it_is_when_no_host_is_named(
    stack_without_worker: Stack, host: str
) -> None:
    response = ask(stack_without_worker, "/openapi.json", headers={"Host": host})

    assert response.json() == {**contract.openapi(), "servers": [{"url": "/"}]}


def test_the_schema_operation_serves_the_schema_of_results(idle_caller: Caller) -> None:
    answer = idle_caller.get("/tickets/v1/schema").json()

    assert list(answer) == ["input_schema_version", "result_schema_version", "schema_json"]
    assert answer["input_schema_version"] == "tickets.input.v1"
    assert answer["result_schema_version"] == "tickets.result.v1"
    assert json.loads(answer["schema_json"]) == contract.result_schema()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_running_edge_is_alive_and_ready(stack_without_worker: Stack, path: str) -> None:
    response = ask(stack_without_worker, path)

    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/tickets",
        "/tickets/v1",
        "/tickets/v2/jobs",
        "/tickets/v1/jobs/",
        "/tickets/v1//jobs",
        "//tickets/v1/jobs",
        "//docs",
        "//",
        f"{JOB}/",
        f"{JOB}/results",
        f"{JOB}/result/",
        "/Tickets/v1/jobs",
        "/taskforge.tickets.v1.TicketsService/ListTicketsJobs",
        "/%00",
        "/%ff",
        "/" + "x" * 3000,
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_404(stack_without_worker: Stack, path: str, method: str) -> None:
    assert_refused(ask(stack_without_worker, path, method), 404, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", JOBS, {"GET", "HEAD", "POST"}),
        ("DELETE", JOBS, {"GET", "HEAD", "POST"}),
        ("OPTIONS", JOBS, {"GET", "HEAD", "POST"}),
        ("TRACE", JOBS, {"GET", "HEAD", "POST"}),
        ("BREW", JOBS, {"GET", "HEAD", "POST"}),
        ("GET", "/v1/task-generation/jobs", {"POST"}),
        ("POST", JOB, {"DELETE", "GET", "HEAD"}),
        ("PATCH", JOB, {"DELETE", "GET", "HEAD"}),
        ("DELETE", f"{JOB}/result", {"GET", "HEAD"}),
        ("POST", "/tickets/v1/schema", {"GET", "HEAD"}),
        ("POST", "/openapi.json", {"GET", "HEAD"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(
    stack_without_worker: Stack, method: str, path: str, allowed: set[str]
) -> None:
    response = ask(stack_without_worker, path, method)

    assert_refused(response, 405, "invalid_request")
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("get", JOBS, 405, "GET, HEAD, POST"),
        ("Post", "/v1/task-generation/jobs", 405, "POST"),
        ("delete", JOB, 405, "DELETE, GET, HEAD"),
        ("get", "/docs", 405, "GET, HEAD"),
        ("get", "/nowhere", 404, None),
    ],
)
def test_methods_are_told_apart_to_the_letter(
    idle_caller: Caller, method: str, path: str, status: int, allowed: str | None
) -> None:
    connection = HTTPConnection(address(idle_caller), timeout=30)
    connection.request(method, path, headers={"Authorization": f"Bearer {idle_caller.key}"})

    response = connection.getresponse()

    assert (response.status, response.headers["Allow"]) == (status, allowed)
    assert json.loads(response.read())["error"]["code"] == "invalid_request"


def answers(caller: Caller, **options: Any) -> list[requests.Response]:
    """One answer of every kind: 200, 202, 400, 401, 404, 405."""
    stack = caller.stack
    return [
        caller.call("GET", JOBS, **options),
        caller.call("POST", JOBS, json=request(), **options),
        caller.call("POST", JOBS, json={}, **options),
        caller.call("POST", JOBS, data=b"x" * 2_000_000, **options),
        ask(stack, JOBS, **options),
        caller.call("GET", JOB, **options),
        ask(stack, "/nowhere", **options),
        ask(stack, JOBS, "PUT", **options),
        ask(stack, "/healthz", **options),
        ask(stack, "/readyz", **options),
        ask(stack, "/openapi.json", **options),
    ]


def test_every_answer_has_a_request_id_of_its_own(idle_caller: Caller) -> None:
    ids = [response.headers["X-Request-Id"] for response in answers(idle_caller)]

    assert len(set(ids)) == len(ids)


def test_a_request_id_that_is_given_is_kept(idle_caller: Caller) -> None:
    found = answers(idle_caller, headers={"X-Request-Id": "trace-1/a:b"})

    assert {response.headers["X-Request-Id"] for response in found} == {"trace-1/a:b"}


@pytest.mark.parametrize("given", ["x" * 129, "with space", "käse".encode(), ""])
def test_a_request_id_that_is_unfit_is_replaced(
    stack_without_worker: Stack, given: str | bytes
) -> None:
    headers: Any = {"X-Request-Id": given}

    shown = ask(stack_without_worker, "/healthz", headers=headers).headers["X-Request-Id"]

    assert shown
    assert shown.encode("latin-1") != (given if isinstance(given, bytes) else given.encode())


def test_head_answers_like_get_without_a_body(idle_caller: Caller) -> None:
    response = idle_caller.call("HEAD", JOBS)

    assert (response.status_code, response.content) == (200, b"")


def test_without_core_the_edge_is_alive_but_not_ready_and_comes_back(idle_caller: Caller) -> None:
    stack = idle_caller.stack
    stack.core.stop()
    try:
        assert ask(stack, "/healthz").status_code == 200
        assert_refused(ask(stack, "/readyz"), 503, "internal_error")
        assert_refused(ask(stack, "/nowhere"), 404, "invalid_request")
        for response in (idle_caller.get(JOBS), idle_caller.post({}), ask(stack, JOBS)):
            error = assert_refused(response, 500, "internal_error")
            assert "127.0.0.1" not in error["message"]
    finally:
        stack.core.start()
    eventually(lambda: ask(stack, "/readyz").status_code == 200)
    grpc.channel_ready_future(stack.channel).result(30)
    assert idle_caller.get(JOBS).status_code == 200


def test_the_environment_of_the_process_is_not_taken_for_headers(tmp_path: Path) -> None:
    stack = Stack({"HTTP_X_REQUEST_ID": "from-the-environment"}, tmp_path)
    stack.edge.start()
    try:
        assert ask(stack, "/healthz").headers["X-Request-Id"] != "from-the-environment"
    finally:
        stack.edge.stop()
