"""What a caller has already is not sent again: ETag and If-None-Match."""

import json

import requests
from taskforge.admin.v1 import keys_pb2
from taskforge.tickets.v1 import jobs_pb2

from tests.hands import Hands
from tests.stack import Caller, Stack
from tickets.codec import encode

JOBS = "/tickets/v1/jobs"
UNKNOWN = "0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11"


def completed(caller: Caller, hands: Hands) -> str:
    """A job with a result."""
    job_id = caller.submit()
    hands.complete(hands.take(job_id))
    return job_id


def get_unless(caller: Caller, path: str, tag: str) -> requests.Response:
    return caller.call("GET", path, headers={"If-None-Match": tag})


def test_a_result_that_the_caller_has_is_304_without_a_body(
    idle_caller: Caller, hands: Hands
) -> None:
    path = f"{JOBS}/{completed(idle_caller, hands)}/result"
    first = idle_caller.get(path)
    again = get_unless(idle_caller, path, first.headers["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["X-Request-Id"]
    assert "RateLimit" in again.headers


def test_one_of_several_tags_and_a_weak_one_will_do(idle_caller: Caller, hands: Hands) -> None:
    path = f"{JOBS}/{completed(idle_caller, hands)}/result"
    tag = idle_caller.get(path).headers["ETag"]
    assert get_unless(idle_caller, path, f'"other", W/{tag}').status_code == 304
    assert get_unless(idle_caller, path, '"other"').status_code == 200


def test_any_version_will_do_for_a_caller_that_says_so(idle_caller: Caller, hands: Hands) -> None:
    job = f"{JOBS}/{completed(idle_caller, hands)}"
    for path in (job, f"{job}/result"):
        assert get_unless(idle_caller, path, "*").status_code == 304
        assert get_unless(idle_caller, path, "W/*").status_code == 200
        assert get_unless(idle_caller, path, '"*"').status_code == 200
    assert get_unless(idle_caller, f"{JOBS}/{UNKNOWN}", "*").status_code == 404


def test_another_tag_gets_the_whole_result(idle_caller: Caller, hands: Hands) -> None:
    path = f"{JOBS}/{completed(idle_caller, hands)}/result"
    first = idle_caller.get(path)
    again = get_unless(idle_caller, path, '"other"')
    assert again.content == first.content


def test_a_status_has_a_tag_that_changes_with_it(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()
    path = f"{JOBS}/{job_id}"
    tag = idle_caller.get(path).headers["ETag"]
    assert get_unless(idle_caller, path, tag).status_code == 304
    idle_caller.call("DELETE", path)
    changed = get_unless(idle_caller, path, tag)
    assert changed.status_code == 200
    assert changed.json()["status"] == "cancelled"


def test_a_tag_opens_no_door(
    stack_without_worker: Stack, idle_caller: Caller, hands: Hands
) -> None:
    path = f"{JOBS}/{completed(idle_caller, hands)}/result"
    tag = idle_caller.get(path).headers["ETag"]
    stranger = stack_without_worker.caller()
    assert get_unless(stranger, path, tag).status_code == 404
    stack_without_worker.keys.RevokeKey(
        keys_pb2.RevokeKeyRequest(key_id=idle_caller.key_id),
        metadata=stack_without_worker.operator,
    )
    assert get_unless(idle_caller, path, tag).status_code == 401


def test_the_served_json_is_the_typed_message(
    stack_without_worker: Stack, idle_caller: Caller, hands: Hands
) -> None:
    job_id = completed(idle_caller, hands)
    served = idle_caller.get(f"{JOBS}/{job_id}/result").content
    typed = stack_without_worker.tickets.GetTicketsJobResult(
        jobs_pb2.GetTicketsJobResultRequest(job_id=job_id), metadata=idle_caller.metadata
    )
    assert json.loads(served) == encode(typed.result)


def test_a_head_request_has_the_headers_alone(idle_caller: Caller, hands: Hands) -> None:
    path = f"{JOBS}/{completed(idle_caller, hands)}/result"
    whole = idle_caller.get(path)
    head = idle_caller.call("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]


def test_an_accepted_job_and_a_refusal_have_no_tag(idle_caller: Caller) -> None:
    job_id = idle_caller.submit()
    assert "ETag" not in idle_caller.get(f"{JOBS}/{job_id}/result").headers
    assert "ETag" not in idle_caller.get(f"{JOBS}/nothing").headers
