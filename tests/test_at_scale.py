"""Lists, claims and sweeps among 100,000 jobs: by an index, whatever stands before or behind."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from peewee import Database

from core import database, jobs, leases, migrate
from core.access import Caller
from core.models import Client, Job
from core.page_tokens import Position
from core.sweeper import Sweeper
from core.wakeups import Wakeups
from tests.conftest import storage
from tests.storage import insert_jobs, run
from tickets.settings import load

# The tables take seconds to fill.
pytestmark = pytest.mark.slow

MANY = 100_000
PAGE = 100
SETTINGS = load({}, lambda path: Path(path).read_text())

_TEXTS = """
INSERT INTO job_inputs (job_id, title, spec, options) SELECT id, '', '', idempotency_hash FROM jobs
"""


@pytest.fixture(scope="module")
def full(
    backend: str, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A database with many jobs of one client beside others, bound to core's tables."""
    default = f"sqlite:///{tmp_path_factory.mktemp('full') / 'taskforge.db'}"
    url = storage(backend, request).get("TASKFORGE_DATABASE_URL", default)
    migrate.migrate(url)
    opened = database.connect(url)
    clients = [client(number) for number in range(20)]
    fill(opened, clients[0], MANY)
    run(opened, "ANALYZE")
    # Statistics are of a while ago: they know of the one client only.
    fill(opened, clients[1], 10)
    run(opened, _TEXTS)
    yield opened
    opened.close()


def fill(opened: Database, owner: Client, size: int) -> None:
    # Three jobs to a microsecond, so that the order of ids counts too.
    insert_jobs(opened, owner.id, size, status="'queued'", created_at="n / 3")
    Client.update(queued=size).where(Client.id == owner.id).execute()


def client(number: int) -> Client:
    return Client.create(id=uuid4(), name=f"client {number}", features="tickets", created_at=number)


@pytest.fixture(scope="module")
def caller(full: Database) -> Caller:
    """The client with many jobs."""
    owner = Client.get(Client.name == "client 0")
    return Caller(owner.id, owner.name, "key", MANY)


@pytest.fixture(scope="module")
def newest_first(full: Database, caller: Caller) -> list[Position]:
    own = Job.select(Job.created_at, Job.id).where(Job.client == caller.client_id)
    places = sorted(((job.created_at, job.id) for job in own), reverse=True)
    return [Position(*place) for place in places]


class Statements:
    """What core asks of the database about jobs, and how that goes about it."""

    def __init__(self, full: Database, log: pytest.LogCaptureFixture) -> None:
        self._full = full
        self._log = log

    def plans(self) -> Iterator[tuple[str, list[str]]]:
        """Each `SELECT` over jobs with its plan, a line per step."""
        said: list[Any] = [record.msg for record in self._log.records if record.name == "peewee"]
        for statement, values in said:
            if statement.startswith("SELECT") and '"jobs"' in statement:
                yield statement, self._plan(statement, values)

    def _plan(self, statement: str, values: Sequence[Any]) -> list[str]:
        explain = "EXPLAIN" if database.row_locks() else "EXPLAIN QUERY PLAN"
        return [row[-1] for row in run(self._full, f"{explain} {statement}", *values)]


@pytest.fixture
def statements(full: Database, caplog: pytest.LogCaptureFixture) -> Statements:
    caplog.set_level(logging.DEBUG, logger="peewee")
    return Statements(full, caplog)


def way_to_jobs(statement: str, plan: list[str]) -> str:
    """The one step of a plan that reads jobs; `NAME: CONDITION` if it is by an index."""
    [way] = ways_to_jobs(statement, plan)
    return way


def ways_to_jobs(statement: str, plan: list[str]) -> list[str]:
    """The same of a plan that reads jobs several times."""
    tables = sorted(set(re.findall(r'"jobs" AS "(\w+)"', statement)))
    return [_way_to(table, plan) for table in tables]


def _way_to(table: str, plan: list[str]) -> str:
    [step] = [
        at for at, line in enumerate(plan) if re.search(rf"\b(jobs|SEARCH|SCAN) {table}\b", line)
    ]
    found = re.search(r"Index Scan using (\w+)|SEARCH \w+ USING INDEX (\w+) (.*)", plan[step])
    if found is None:
        return plan[step]
    return f"{found[1] or found[2]}: {found[3] or plan[step + 1].strip()}"


def sorts(plan: list[str]) -> int:
    return len(re.findall(r"Sort Key|TEMP B-TREE", str(plan)))


def test_the_first_page_is_read_off_the_index(
    caller: Caller, newest_first: list[Position], statements: Statements
) -> None:
    page = jobs.list_page(caller, PAGE, None)

    assert [Position(job.created_at, job.id) for job in page] == newest_first[:PAGE]
    [(statement, plan)] = statements.plans()
    assert way_to_jobs(statement, plan).startswith("jobs_newest: ")
    assert sorts(plan) == 0, plan


@pytest.mark.parametrize("begin", [PAGE, MANY // 2, MANY - PAGE, MANY - 1])
def test_a_later_page_begins_where_the_index_leads(
    caller: Caller, newest_first: list[Position], statements: Statements, begin: int
) -> None:
    page = jobs.list_page(caller, PAGE, newest_first[begin - 1])

    assert [Position(job.created_at, job.id) for job in page] == newest_first[begin:][:PAGE]
    [(statement, plan)] = statements.plans()
    assert re.search(r"^jobs_newest: .*created_at, ?id\) ?<", way_to_jobs(statement, plan)), plan
    assert sorts(plan) == 0, plan


def test_sweeps_find_what_is_due_by_indexes(
    full: Database, statements: Statements, tmp_path: Path
) -> None:
    sweeper = Sweeper(SETTINGS, Wakeups(f"sqlite:///{tmp_path / 'queue.db'}"))
    sweeper.sweep()
    sweeper.expire()
    sweeper.purge()

    ways = {
        way.split("USING INDEX ")[-1]
        for found in statements.plans()
        for way in ways_to_jobs(*found)
    }
    # Replays and what they run again are looked up by their ids.
    by_id = {"jobs_pkey", "sqlite_autoindex_jobs_1"}
    assert {way.partition(":")[0] for way in ways} - by_id == {
        *("jobs_leases", "jobs_unannounced", "jobs_deadlines", "jobs_ended")
    }


def test_a_claim_reads_jobs_by_indexes(
    caller: Caller, newest_first: list[Position], statements: Statements
) -> None:
    turns = [leases.claim("worker", uuid4(), SETTINGS) for _ in range(2)]

    served = {claimed[0].client_id for claimed in turns if claimed}
    assert len(served) == 2
    for statement, plan in statements.plans():
        assert re.match(r"jobs_(claimable|lease_token): ", way_to_jobs(statement, plan)), plan
        # Whose turn it is takes sorting clients; which of the client's jobs takes none.
        assert sorts(plan) == ('FROM "clients"' in statement), plan
