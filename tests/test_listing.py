"""Listing a client's jobs: newest first, a page at a time, the next one by its `Link`."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests.utils import parse_header_links
from taskforge.tickets.v1 import jobs_pb2

from tests.contract_shapes import assert_fits, assert_in_order
from tests.refusals import assert_refused, reason_of
from tests.stack import Caller

JOBS = "/tickets/v1/jobs"


def pages(caller: Caller, path: str) -> Iterator[list[dict[str, Any]]]:
    """The jobs of each page, by following `Link` to the end."""
    following: str | None = path
    while following is not None:
        response = caller.get(following)
        assert response.status_code == 200, response.text
        yield response.json()["jobs"]
        following = next_link(response.headers.get("Link"))


def next_link(header: str | None) -> str | None:
    if header is None:
        return None
    [link] = parse_header_links(header)
    assert link["rel"] == "next"
    return link["url"]


def test_a_client_without_jobs_has_an_empty_list(idle_caller: Caller) -> None:
    response = idle_caller.get(JOBS)

    assert (response.status_code, response.json()) == (200, {"jobs": []})
    assert "Link" not in response.headers


def test_jobs_are_listed_newest_first(idle_caller: Caller) -> None:
    submitted = [idle_caller.submit() for _ in range(3)]

    listed = idle_caller.get(JOBS).json()

    assert_fits(listed, "TicketsJobListResponse")
    assert [job["job_id"] for job in listed["jobs"]] == submitted[::-1]
    for job in listed["jobs"]:
        assert_in_order(job, "TicketsJobResponse")
        assert job == idle_caller.job(job["job_id"])


def test_only_own_jobs_are_listed(idle_caller: Caller) -> None:
    idle_caller.stack.caller().submit()
    own = idle_caller.submit()

    assert [job["job_id"] for job in idle_caller.get(JOBS).json()["jobs"]] == [own]


@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])])
def test_links_lead_through_all_pages_once(
    idle_caller: Caller, size: int, lengths: list[int]
) -> None:
    submitted = [idle_caller.submit() for _ in range(5)]

    found = list(pages(idle_caller, f"{JOBS}?page_size={size}"))

    assert [len(page) for page in found] == lengths
    assert [job["job_id"] for page in found for job in page] == submitted[::-1]


def test_a_page_holds_at_most_a_hundred(idle_caller: Caller) -> None:
    for _ in range(101):
        idle_caller.submit()

    found = list(pages(idle_caller, JOBS))

    assert [len(page) for page in found] == [100, 1]


def test_a_new_job_does_not_shift_later_pages(idle_caller: Caller) -> None:
    submitted = [idle_caller.submit() for _ in range(4)]
    walk = pages(idle_caller, f"{JOBS}?page_size=2")
    first = next(walk)

    idle_caller.submit()

    assert [job["job_id"] for page in (first, *walk) for job in page] == submitted[::-1]


def test_a_page_token_shows_nothing_of_another_client(idle_caller: Caller) -> None:
    for _ in range(2):
        idle_caller.submit()
    link = next_link(idle_caller.get(f"{JOBS}?page_size=1").headers["Link"])
    assert link is not None

    assert idle_caller.stack.caller().get(link).json() == {"jobs": []}


@pytest.mark.parametrize(
    "size", ["-1", "101", "2147483648", "9" * 30, "abc", "1.5", "", "1e1", "+1"]
)
def test_a_bad_page_size_is_refused(idle_caller: Caller, size: str) -> None:
    response = idle_caller.call("GET", JOBS, params={"page_size": size})

    assert_refused(response, 400, "invalid_request", field="page_size")


@pytest.mark.parametrize(
    "token",
    [
        *("x", "garbage!", "AAAA", "=" * 4, "ä", "A" * 31, "A" * 300),
        *("A" * 32 + "==", "A" * 32 + "=", "+" * 32, "/" * 32, "_" * 32),
    ],
)
def test_a_bad_page_token_is_refused(idle_caller: Caller, token: str) -> None:
    response = idle_caller.call("GET", JOBS, params={"page_token": token})

    assert_refused(response, 400, "invalid_request", field="page_token")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("pageSize=1", "pageSize"),
        ("status=queued", "status"),
        ("page_size=1&page_size=2", "page_size"),
        ("next_page_token=x", "next_page_token"),
    ],
)
def test_other_parameters_are_refused(idle_caller: Caller, query: str, field: str) -> None:
    assert_refused(idle_caller.get(f"{JOBS}?{query}"), 400, "invalid_request", field=field)


def test_grpc_has_the_token_that_the_link_carries(idle_caller: Caller) -> None:
    for _ in range(2):
        idle_caller.submit()
    listing = idle_caller.stack.tickets.ListTicketsJobs

    first = listing(jobs_pb2.ListTicketsJobsRequest(page_size=1), metadata=idle_caller.metadata)
    link = next_link(idle_caller.get(f"{JOBS}?page_size=1").headers["Link"])
    assert link is not None
    assert parse_qs(urlsplit(link).query)["page_token"] == [first.next_page_token]

    following = jobs_pb2.ListTicketsJobsRequest(page_token=first.next_page_token)
    assert listing(following, metadata=idle_caller.metadata).next_page_token == ""
    following.page_token = "garbage"
    assert reason_of(listing, following, idle_caller.metadata) == "INVALID_ARGUMENT"
