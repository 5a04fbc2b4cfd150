"""The same idempotency key: one job, however often, wherever and whenever it comes."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from taskforge.tickets.v1 import jobs_pb2

from tests.refusals import assert_refused, reason_of
from tests.stack import SPEC, Caller, Stack, request

JOBS = "/tickets/v1/jobs"
ALIAS = "/v1/task-generation/jobs"
DEFAULTS = {
    "max_ticket_count": 50,
    "include_epics": True,
    "dependency_mode": "explicit",
    "output_detail": "standard",
}


def test_a_repeated_request_finds_its_job(idle_caller: Caller) -> None:
    body = request()

    answers = [idle_caller.post(body) for _ in range(3)]

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(idle_caller.get(JOBS).json()["jobs"]) == 1


def test_the_alias_finds_the_same_job(idle_caller: Caller) -> None:
    body = request()

    first = idle_caller.post(body).json()
    second = idle_caller.call("POST", ALIAS, json=body).json()

    assert second == first


def test_a_replay_tells_the_current_status(idle_caller: Caller) -> None:
    body = request()
    job_id = idle_caller.post(body).json()["job_id"]
    idle_caller.call("DELETE", f"{JOBS}/{job_id}")

    replay = idle_caller.post(body)

    assert replay.status_code == 202
    assert (replay.json()["job_id"], replay.json()["status"]) == (job_id, "cancelled")


def test_a_replay_is_answered_when_the_queue_is_full(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=1)
    body = request()
    first = caller.post(body).json()
    assert caller.post(request()).status_code == 429

    replay = caller.post(body)

    assert (replay.status_code, replay.json()) == (202, first)


def test_a_key_refused_for_want_of_room_is_not_used_up(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(max_queued=1)
    job_id = caller.submit()
    body = request()
    assert caller.post(body).status_code == 429
    caller.call("DELETE", f"{JOBS}/{job_id}")

    assert caller.post({**body, "title": "Another title"}).status_code == 202


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"include_epics": True},
        {"output_detail": "standard"},
        DEFAULTS,
        dict(reversed(DEFAULTS.items())),
    ],
)
def test_defaults_spelled_out_are_the_same_content(
    idle_caller: Caller, options: dict[str, Any]
) -> None:
    body = request()

    first = idle_caller.post(body).json()
    second = idle_caller.post({**body, "options": options})

    assert (second.status_code, second.json()) == (202, first)


def test_spacing_and_order_and_spelling_of_json_do_not_matter(idle_caller: Caller) -> None:
    body = request(title="Käufe", options={"ticket_count": 3})
    first = idle_caller.post(body).json()
    turned = {**dict(reversed(body.items())), "options": {"ticket_count": 3.0}}
    respelled = json.dumps(turned, indent=4, ensure_ascii=False).encode()

    second = idle_caller.call(
        "POST", JOBS, data=respelled, headers={"Content-Type": "application/json"}
    )

    assert (second.status_code, second.json()) == (202, first)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Another title"},
        {"spec": SPEC + " "},
        {"options": {"ticket_count": 3}},
        {"options": {"max_ticket_count": 49}},
        {"options": {"include_epics": False}},
        {"options": {"output_detail": "compact"}},
        {"callback_url": "https://example.com/{job_id}"},
    ],
)
def test_other_content_under_the_same_key_is_refused(
    idle_caller: Caller, changes: dict[str, Any]
) -> None:
    body = request()
    idle_caller.post(body)

    error = assert_refused(idle_caller.post({**body, **changes}), 400, "invalid_request")

    assert "idempotency_key" in error["message"]
    assert len(idle_caller.get(JOBS).json()["jobs"]) == 1


def test_keys_are_told_apart_to_the_letter(idle_caller: Caller) -> None:
    keys = ["key", "Key", "key ", " key", "k\u00e9y", "ke\u0301y", "k" * 255, "k" * 254]

    ids = {idle_caller.post(request(idempotency_key=key)).json()["job_id"] for key in keys}

    assert len(ids) == len(keys)


def test_another_client_may_use_the_same_key(idle_caller: Caller) -> None:
    body = request()
    other = idle_caller.stack.caller()

    assert idle_caller.post(body).json()["job_id"] != other.post(body).json()["job_id"]


def test_grpc_and_rest_mean_the_same_job(idle_caller: Caller) -> None:
    body = request(options={"ticket_count": 2})
    first = idle_caller.post(body).json()
    message = jobs_pb2.TicketsJobSubmitRequest(**body)
    submit = idle_caller.stack.tickets.SubmitTicketsJob

    assert submit(message, metadata=idle_caller.metadata).job_id == first["job_id"]
    message.options.ticket_count = 3
    assert reason_of(submit, message, idle_caller.metadata) == "IDEMPOTENCY_KEY_REUSED"


def test_fifty_duplicates_at_once_make_one_job(idle_caller: Caller) -> None:
    body = request()

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda number: post_alone(idle_caller, body, number), range(50)))

    assert {answer.status_code for answer in answers} == {202}, {a.text for a in answers}
    assert len({answer.json()["job_id"] for answer in answers}) == 1
    assert len(idle_caller.get(JOBS).json()["jobs"]) == 1


def test_fifty_different_requests_at_once_under_one_key_make_one_job(idle_caller: Caller) -> None:
    body = request()

    with ThreadPoolExecutor(50) as threads:
        answers = list(
            threads.map(
                lambda number: post_alone(idle_caller, {**body, "title": str(number)}, number),
                range(50),
            )
        )

    assert sorted(answer.status_code for answer in answers) == [202] + [400] * 49
    assert len(idle_caller.get(JOBS).json()["jobs"]) == 1


def post_alone(caller: Caller, body: dict[str, Any], number: int) -> requests.Response:
    """A submit on a connection of its own; every other one goes through the alias."""
    url = caller.stack.url + (ALIAS if number % 2 else JOBS)
    headers = {"Authorization": f"Bearer {caller.key}"}
    return requests.post(url, json=body, headers=headers, timeout=30)
