"""The table of a job's life: one vocabulary everywhere, and a database that refuses the rest."""

from collections.abc import Iterator
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from peewee import Database, IntegrityError
from taskforge.tickets.v1 import jobs_pb2

from tests.stack import Stack
from tests.storage import execute, opened, run
from tickets import contract
from tickets.codec import enum_texts
from tickets.lifecycle import LEASED, TERMINAL, TRANSITIONS, Stage, Status, Verb, target

SCHEMAS = contract.openapi()["components"]["schemas"]


def test_statuses_and_stages_are_the_same_in_contract_protos_and_table() -> None:
    statuses = enum_texts(jobs_pb2.JobStatus.DESCRIPTOR).values()
    stages = enum_texts(jobs_pb2.JobStage.DESCRIPTOR).values()

    assert list(Status) == list(statuses) == SCHEMAS["JobStatus"]["enum"]
    assert list(Stage) == list(stages) == SCHEMAS["JobStage"]["enum"]


def test_the_table_is_that_of_the_design() -> None:
    rows = {(row.source, row.target) for row in TRANSITIONS}

    assert rows == {
        (None, "queued"),
        ("queued", "processing"),
        ("processing", "processing"),
        ("processing", "completed"),
        ("processing", "failed"),
        ("processing", "queued"),
        ("queued", "cancelled"),
        ("processing", "cancel_requested"),
        ("cancel_requested", "cancelled"),
        ("queued", "expired"),
        ("processing", "expired"),
    }
    assert {"completed", "failed", "cancelled", "expired"} == TERMINAL


def test_every_status_is_entered_and_every_verb_is_used() -> None:
    assert {row.target for row in TRANSITIONS} == set(Status)
    assert {row.verb for row in TRANSITIONS} == set(Verb)
    assert all(row.actor and row.when for row in TRANSITIONS)


def test_a_verb_leads_to_one_status_and_unknown_ones_nowhere() -> None:
    assert len({(row.verb, row.source) for row in TRANSITIONS}) == len(TRANSITIONS)
    for verb, source in product(Verb, [None, *Status]):
        known = [row.target for row in TRANSITIONS if (row.verb, row.source) == (verb, source)]
        if known:
            assert target(verb, source) is known[0]
        else:
            with pytest.raises(KeyError):
                target(verb, source)


@pytest.fixture
def client(stack_without_worker: Stack) -> Any:
    """The id of a client in the database, as its column holds it."""
    name = stack_without_worker.caller().name
    return execute(stack_without_worker, "SELECT id FROM clients WHERE name = ?", name)[0][0]


@pytest.fixture
def database(stack_without_worker: Stack) -> Iterator[Database]:
    with opened(stack_without_worker) as found:
        yield found


def job_row(client: Any, **columns: Any) -> dict[str, Any]:
    """A consistent row of a queued job, with changes."""
    return {
        "id": uuid4().hex,
        "client_id": client,
        "feature": "tickets",
        "idempotency_hash": uuid4().bytes,
        "content_hash": b"",
        "status": "queued",
        "stage": "queued",
        "progress": "",
        "created_at": 1,
        "updated_at": 1,
        # Far off, so that no sweeper would touch it.
        "expires_at": 2**60,
        "available_at": 2**60,
        "failures": 0,
        "lease_losses": 0,
        "ended_at": None,
        "lease_token": None,
        "lease_expires_at": None,
        "error_code": None,
        "error_message": None,
        **columns,
    }


def is_taken(database: Database, row: dict[str, Any]) -> bool:
    """Whether the database takes a job's row; it is taken back at once."""
    with database.atomic() as work:
        try:
            insert(database, row)
        except IntegrityError:
            return False
        finally:
            work.rollback()
    return True


def insert(database: Database, row: dict[str, Any]) -> None:
    marks = ", ".join("?" * len(row))
    run(database, f"INSERT INTO jobs ({', '.join(row)}) VALUES ({marks})", *row.values())


@pytest.mark.parametrize("status", Status)
def test_a_status_stands_only_with_the_columns_that_belong_to_it(
    database: Database, client: Any, status: Status
) -> None:
    """Of all combinations of an end, a lease, its token and an error, the right ones are taken."""
    for ended, leased, token, failed in product([False, True], repeat=4):
        row = job_row(
            client,
            status=status.value,
            ended_at=2**60 if ended else None,
            lease_expires_at=2**60 if leased else None,
            lease_token=uuid4().hex if token else None,
            error_code="internal_error" if failed else None,
            error_message="lost" if failed else None,
        )

        right = (
            ended == (status in TERMINAL)
            and leased == (status in LEASED)
            and (token or status not in LEASED)
            and failed == (status is Status.FAILED)
        )
        assert is_taken(database, row) == right, row


@pytest.mark.parametrize("status", ["accepted", "QUEUED", "", "done", "canceled"])
def test_an_unknown_status_is_refused(database: Database, client: Any, status: str) -> None:
    ended = job_row(client, status=status, ended_at=1)

    assert not is_taken(database, job_row(client, status=status))
    assert not is_taken(database, ended)


def test_an_error_has_both_a_code_and_a_message(database: Database, client: Any) -> None:
    failed = job_row(client, status="failed", ended_at=2**60, error_code="internal_error")

    assert not is_taken(database, failed)
    assert is_taken(database, {**failed, "error_message": "lost"})


def test_an_idempotency_key_and_a_lease_token_are_used_once(
    database: Database, client: Any
) -> None:
    with database.atomic() as work:
        lease = {"lease_expires_at": 2**60, "lease_token": uuid4().hex}
        first = job_row(client, status="processing", **lease)
        insert(database, first)

        same_key = job_row(client, idempotency_hash=first["idempotency_hash"])
        same_token = job_row(client, status="processing", **lease)
        assert not is_taken(database, same_key)
        assert not is_taken(database, same_token)
        assert is_taken(database, job_row(client))
        work.rollback()


def test_counters_of_a_client_never_fall_below_nothing(database: Database, client: Any) -> None:
    for column in ("queued", "running"):
        with pytest.raises(IntegrityError), database.atomic():
            run(database, f"UPDATE clients SET {column} = -1 WHERE id = ?", client)
