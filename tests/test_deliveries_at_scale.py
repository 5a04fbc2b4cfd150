"""Claiming a delivery while 100,000 wait behind a busy receiver: none of those is looked at."""

import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from peewee import Database

from core import database, deliveries, migrate
from core.models import Client, Worker
from tests.conftest import storage
from tests.storage import insert_jobs, run
from tickets.settings import load

# The tables take seconds to fill.
pytestmark = pytest.mark.slow

MANY = 100_000
SETTINGS = load({}, lambda path: Path(path).read_text())
DEAD, GOOD = "dead.example.com:443", "good.example.com:443"

_DELIVERIES = """
INSERT INTO deliveries (id, job_id, client_id, url, receiver, body, status, created_at,
    available_at, failures, lease_losses)
SELECT id, id, client_id, 'https://' || ?, ?, content_hash, 'pending', created_at,
    created_at, ?, 0
FROM jobs WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE job_id = jobs.id)
"""


@pytest.fixture
def full(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with many deliveries of two clients to one receiver, and few to another."""
    default = f"sqlite:///{tmp_path / 'taskforge.db'}"
    url = storage(backend, request).get("TASKFORGE_DATABASE_URL", default)
    migrate.migrate(url)
    opened = database.connect(url)
    fill(opened, DEAD, MANY, failures=1)
    run(opened, "ANALYZE")
    # Statistics are of a while ago: they know of the one client only.
    fill(opened, DEAD, MANY, failures=1)
    fill(opened, GOOD, 2)
    yield opened
    opened.close()


def fill(opened: Database, receiver: str, size: int, failures: int = 0) -> None:
    owner = Client.create(id=uuid4(), name=str(uuid4()), features="tickets", created_at=1)
    insert_jobs(opened, owner.id, size, status="'cancelled'", created_at="n", ended_at="n")
    run(opened, _DELIVERIES, receiver, receiver, failures)


def test_a_claim_reads_no_queue_beyond_its_oldest(
    full: Database, caplog: pytest.LogCaptureFixture
) -> None:
    claimed = Counter(claim() for _ in range(6))
    assert claimed == {DEAD: 4, GOOD: 2}
    Worker.create(id="worker", slots=1, delivery_slots=4, seen_at=1)
    caplog.set_level(logging.DEBUG, logger="peewee")

    # Two of each client are under way to the receiver that all others wait for.
    assert claim() is None

    used: set[str] = set()
    said: list[Any] = [record.msg for record in caplog.records if record.name == "peewee"]
    for statement, values in said:
        if re.match("SELECT|WITH", statement) and '"deliveries"' in statement:
            explain = "EXPLAIN" if database.row_locks() else "EXPLAIN QUERY PLAN"
            plan = "\n".join(row[-1] for row in run(full, f"{explain} {statement}", *values))
            used |= set(re.findall(r"(?:using|INDEX) (\w*deliveries\w*)", plan))
            # Whoever gathers the rows of many queues reads them all.
            assert not re.search(r"Seq Scan on deliveries|Hash |Merge ", plan), plan
    assert used - {"deliveries_pkey", "sqlite_autoindex_deliveries_1", "deliveries_leases"} == {
        *("deliveries_queues", "deliveries_under_way", "deliveries_failing"),
        *("deliveries_taken", "deliveries_lease_token"),
    }


def claim() -> str | None:
    """The receiver of what a worker claims."""
    claimed = deliveries.claim("worker", uuid4(), SETTINGS)
    return claimed and claimed.url.removeprefix("https://")
