"""How often a key may call: counted in core, for REST and gRPC together."""

import re

from taskforge.tickets.v1 import access_pb2, access_pb2_grpc, jobs_pb2

from tests.operators import another_key, limit
from tests.refusals import assert_refused, reason_of
from tests.stack import ALL_SCOPES, Stack, request

JOBS = "/tickets/v1/jobs"


def test_calls_over_the_rate_are_429_until_the_window_moves(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="3/day")

    assert [caller.get(JOBS).status_code for _ in range(3)] == [200] * 3
    response = caller.get(JOBS)

    error = assert_refused(response, 429, "rate_limited")
    assert "3 calls per day" in error["message"]
    assert 1 <= int(response.headers["Retry-After"]) <= 86_400


def test_every_answer_tells_what_is_left(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="4/day")

    answers = [
        caller.get(JOBS),
        caller.post(request()),
        caller.get(f"{JOBS}/unknown"),
        caller.post({"title": 1}),
        caller.get(JOBS),
    ]

    assert [answer.status_code for answer in answers] == [200, 202, 400, 400, 429]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {'"key";q=4;w=86400'}
    found = [
        re.fullmatch(r'"key";r=(\d+);t=\d+', answer.headers["RateLimit"]) for answer in answers
    ]
    assert [int(each[1]) for each in found if each] == [3, 2, 1, 0, 0]


def test_each_key_counts_for_itself(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="1/day")
    second = another_key(caller, *ALL_SCOPES)

    assert caller.get(JOBS).status_code == 200
    assert caller.get(JOBS).status_code == 429
    assert second.get(JOBS).status_code == 200


def test_rest_and_grpc_count_together(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="2/day")
    tickets, listing = stack_without_worker.tickets, jobs_pb2.ListTicketsJobsRequest()

    assert caller.get(JOBS).status_code == 200
    tickets.ListTicketsJobs(listing, metadata=caller.metadata)

    assert caller.get(JOBS).status_code == 429
    assert reason_of(tickets.ListTicketsJobs, listing, caller.metadata) == "RATE_LIMITED"


def test_asking_for_access_counts(stack_without_worker: Stack) -> None:
    """Otherwise broken bodies would be free."""
    caller = stack_without_worker.caller(rate_limit="1/day")
    access = access_pb2_grpc.AccessServiceStub(stack_without_worker.channel)
    asked = access_pb2.CheckAccessRequest(
        method="/taskforge.tickets.v1.TicketsService/SubmitTicketsJob"
    )

    access.CheckAccess(asked, metadata=caller.metadata)

    assert reason_of(access.CheckAccess, asked, caller.metadata) == "RATE_LIMITED"


def test_a_broken_body_counts_once(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="2/day")

    answers = [caller.call("POST", JOBS, data=b"{").status_code for _ in range(3)]

    assert answers == [400, 400, 429]


def test_a_changed_limit_holds_at_once(stack_without_worker: Stack) -> None:
    caller = stack_without_worker.caller(rate_limit="1/day")
    assert [caller.get(JOBS).status_code for _ in range(2)] == [200, 429]

    limit(caller, rate="5/day")
    assert caller.get(JOBS).headers["RateLimit-Policy"] == '"key";q=5;w=86400'

    limit(caller)
    assert caller.get(JOBS).headers["RateLimit-Policy"] == '"key";q=100000;w=60'
