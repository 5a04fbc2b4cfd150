"""What holds of the jobs in a database at any moment, and from one moment to the next.

Written over plain rows, by the design's words, with nothing of core's own.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from peewee import Database

from tickets.lifecycle import LEASED, TERMINAL, TRANSITIONS

Row = Mapping[str, Any]

_IDS = {"id", "client_id", "job_id", "lease_token"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a database holds about jobs.

    Attributes:
        jobs: Rows by id.
        clients: Rows by id.
        events: Each job's events in order.
        results: Each completed job's result, as stored.
        inputs: The jobs whose texts are there.
    """

    jobs: Mapping[Any, Row]
    clients: Mapping[Any, Row]
    events: Mapping[Any, Sequence[Row]]
    results: Mapping[Any, Sequence[bytes]]
    inputs: frozenset[Any]


def snapshot(database: Database) -> Snapshot:
    events: dict[Any, list[Row]] = {}
    for event in _rows(database, "job_events", "id"):
        events.setdefault(event["job_id"], []).append(event)
    results: dict[Any, list[bytes]] = {}
    for result in _rows(database, "job_results", "job_id"):
        results.setdefault(result["job_id"], []).append(bytes(result["message"]))
    return Snapshot(
        jobs={row["id"]: row for row in _rows(database, "jobs", "id")},
        clients={row["id"]: row for row in _rows(database, "clients", "id")},
        events=events,
        results=results,
        inputs=frozenset(row["job_id"] for row in _rows(database, "job_inputs", "job_id")),
    )


def _rows(database: Any, table: str, order: str) -> list[Row]:
    cursor = database.execute_sql(f"SELECT * FROM {table} ORDER BY {order}")
    names = [column[0] for column in cursor.description]
    return [
        {name: _plain(name, value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]


def _plain(name: str, value: Any) -> Any:
    """The value, alike from both databases."""
    if isinstance(value, memoryview):
        return bytes(value)
    return UUID(value) if name in _IDS and isinstance(value, str) else value


def check(now: Snapshot) -> None:
    """What holds at any moment."""
    for job in now.jobs.values():
        check_columns(job)
        check_events(job, now.events[job["id"]])
        check_result(job, now)
    check_counters(now)
    check_leases(now)
    assert set(now.events) == set(now.jobs), "an event is of a job that there is"
    assert now.inputs == set(now.jobs), "a job has its texts for as long as it is there"


def check_columns(job: Row) -> None:
    """A status stands with the columns that belong to it, and with no others."""
    status = job["status"]
    assert (job["ended_at"] is not None) == (status in TERMINAL)
    assert (job["lease_expires_at"] is not None) == (status in LEASED)
    assert status not in LEASED or (job["lease_token"] and job["worker_id"])
    assert status != "queued" or (job["lease_token"] is None and job["worker_id"] is None)
    assert (job["error_code"] is not None) == (status == "failed")
    assert (job["stage"] == "completed") == (status == "completed")
    assert (job["stage"] == "failed") == (status == "failed")
    assert status != "queued" or job["stage"] in {"accepted", "queued"}
    assert status in LEASED or job["progress"] == ""
    assert job["created_at"] <= job["updated_at"]


def check_events(job: Row, events: Sequence[Row]) -> None:
    """The events tell how the job came to its status, each by a row of the table.

    Failed attempts, lost leases and releases are counted apart.
    """
    table = {(row.verb, row.source, row.target) for row in TRANSITIONS}
    status = None
    for event in events:
        assert (event["verb"], status, event["status"]) in table, (status, event)
        status = event["status"]
    assert status == job["status"], "every change of status has its event"
    verbs = Counter(event["verb"] for event in events)
    assert job["failures"] == verbs["retry"]
    assert job["lease_losses"] == verbs["lose lease"] + verbs["give up"]
    ends = [event for event in events if event["status"] in TERMINAL]
    assert len(ends) == (job["status"] in TERMINAL), "a job ends once"
    assert verbs["complete"] <= 1, "a job is completed at most once"
    times = [event["at"] for event in events]
    assert times == sorted(times)


def check_result(job: Row, now: Snapshot) -> None:
    """A completed job has one result; no other job has any."""
    assert len(now.results.get(job["id"], [])) == (job["status"] == "completed")


def check_counters(now: Snapshot) -> None:
    """A client's counters are the number of its jobs that wait and that run."""
    for client in now.clients.values():
        statuses = [job["status"] for job in now.jobs.values() if job["client_id"] == client["id"]]
        assert client["queued"] == sum(status == "queued" for status in statuses)
        assert client["running"] == sum(status in LEASED for status in statuses)


def check_leases(now: Snapshot) -> None:
    """A lease token is of one job."""
    tokens = [job["lease_token"] for job in now.jobs.values() if job["lease_token"]]
    assert len(set(tokens)) == len(tokens)


def check_step(before: Snapshot, after: Snapshot) -> None:
    """What holds from one moment to a later one.

    A job that has ended stays as it is, in every column, with its result, until
    it is gone as a whole. Events are only added to. What a job is, and whose,
    never changes.
    """
    for job_id, old in before.jobs.items():
        new = after.jobs.get(job_id)
        if new is None:
            assert old["status"] in TERMINAL, "only a job that has ended is ever deleted"
            continue
        told = before.events[job_id]
        assert after.events[job_id][: len(told)] == told, "events are only added to"
        assert len(after.events[job_id]) - len(told) <= 1, "one transition at a time"
        if old["status"] in TERMINAL:
            assert new == old, "a job that has ended never changes"
            assert after.results.get(job_id) == before.results.get(job_id)
        for column in ("client_id", "idempotency_hash", "content_hash", "created_at", "expires_at"):
            assert new[column] == old[column]
        assert new["failures"] >= old["failures"]
        assert new["lease_losses"] >= old["lease_losses"]
