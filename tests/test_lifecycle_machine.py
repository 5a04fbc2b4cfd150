"""The life of jobs under everything at once: clients, workers, cores, time, and crashes.

Hypothesis calls core's verbs in any order on a real database, and lets the
calling process crash between any two of their statements. After each step the
database is read afresh, and what must hold is checked: in words in
`lifecycle_invariants`, and here for what a single verb may and may not do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from playhouse.db_url import connect
from taskforge.tickets.v1 import jobs_pb2

from core import absences, clock, database, jobs, leases, migrate
from core.access import Caller
from core.bell import Bell
from core.database import forget_connection
from core.leases import Lease, Outcome
from core.models import Client, Worker
from core.sweeper import Sweeper
from core.wakeups import Wakeups
from tests.conftest import storage
from tests.failpoints import Crash, Failpoints
from tests.lifecycle_invariants import Row, check, check_step, snapshot
from tests.processes import memory, temporary_folder
from tickets.errors import JobErrorCode, Reason, TaskForgeError
from tickets.lifecycle import LEASED, TERMINAL, Stage, Verb
from tickets.settings import load

TTL_S = 900
ROOM = 4
SETTINGS = load(
    {
        "TASKFORGE_RETENTION_DAYS": "1",
        "TASKFORGE_MAX_ATTEMPTS": "3",
        "TASKFORGE_MAX_LEASE_LOSSES": "2",
    },
    lambda path: Path(path).read_text(),
)
LEASE = clock.micros(SETTINGS.lease_s)
# The most of a time without a core that counts against a lease: a third of what a lease that is
# kept up has left at any moment.
BORNE = (LEASE - clock.micros(SETTINGS.heartbeat_s)) // 3
SLOTS = 3
BEGAN = clock.micros(1_700_000_000)

# From within a heartbeat to past the retention.
SPANS = st.sampled_from(
    [0.000_001, 1.0, 9.0, 15.0, 16.0, 21.0, 41.0, 59.0, 61.0, 200.0, TTL_S, 90_000.0]
)
# A verb has up to about 15 steps to crash at; one that is refused has few.
CRASHES = st.one_of(st.none(), st.integers(0, 11))
KEYS = st.integers(0, 9)
RECENT = 5
MANY = 5000
CRASHED = "crashed"


def recent(things: list[Any]) -> st.SearchStrategy[Any]:
    """One of the latest, which are the ones that may still matter."""
    return st.sampled_from(things[: -RECENT - 1 : -1])


@dataclass(slots=True)
class Hearing:
    """The clock that leases go by: of a time without a core it counts the beginning only.

    Attributes:
        noted_at: When a core was last there.
        counted: What had counted by then.
    """

    noted_at: int
    counted: int = 0

    def at(self, now: int) -> int:
        return self.counted + min(now - self.noted_at, BORNE)


class ListQueue(Bell):
    """A queue in memory, which can be away."""

    def __init__(self) -> None:
        super().__init__("memory", "jobs")
        self.waiting = 0
        self.away = False

    def come_and_go(self, *, away: bool) -> None:
        self.away, self.waiting = away, 0
        # The machine's time is not that of the bell's patience.
        self._away_until = 0.0

    def _queue(self) -> tuple[Any, Callable[[], Any]]:
        if self.away:
            raise ConnectionError("the queue is away")
        return self, self.wake

    def pending_count(self) -> int:
        return self.waiting

    def wake(self) -> None:
        self.waiting += 1


class ListWakeups(Wakeups):
    """Wake-ups for jobs through that queue."""

    def __init__(self, queue: ListQueue) -> None:
        super().__init__("memory")
        self._jobs = queue


class Life(RuleBasedStateMachine):
    """Three clients, two workers and two cores over one database."""

    steps = 0
    crashes = 0
    verbs: ClassVar[set[str]] = set()

    def __init__(self, failpoints: Failpoints, url: str, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.patch = patch
        self.now = BEGAN
        # The same steps have to lead to the same ids, for ties are told apart by them.
        self.random = Random(0)
        self.url = url
        self.failpoints = failpoints
        # What a test reads with, beside core and its crashes.
        self.eyes = connect(url)
        self.accepted: dict[UUID, int] = {}
        self.leases: list[Lease] = []
        self.tokens: list[UUID] = []
        # What the clock of leases said when each was last extended.
        self.extended: dict[UUID, int] = {}

    @initialize()
    def begin(self) -> None:
        self.patch.setattr(clock, "now", lambda: self.now)
        self.patch.setattr(jobs, "uuid4", self.uuid)
        for table in (Client, Worker):
            table.delete().execute()
        self.callers = [Caller(self.uuid(), f"client {number}", "key", ROOM) for number in range(3)]
        for caller in self.callers:
            Client.create(
                id=caller.client_id, name=caller.client_name, features="tickets", created_at=0
            )
        Worker.create(id="worker", slots=SLOTS, seen_at=2**60)
        self.queue = ListQueue()
        self.wakeups = ListWakeups(self.queue)
        self.sweepers = [Sweeper(SETTINGS, self.wakeups) for _ in range(2)]
        self.hearing = Hearing(absences.note(SETTINGS))
        self.seen = snapshot(self.eyes)

    def teardown(self) -> None:
        if hasattr(self, "seen"):
            self.finish()
        self.eyes.close()

    # What a step is

    def uuid(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)

    def act(self, verb: Callable[[], Any], crash: int | None = None) -> Any:
        """Does something, crashing at a step of it; returns its answer, why not, or CRASHED."""
        Life.steps += 1
        try:
            with self.failpoints.crash_at(crash):
                answer = verb()
        except TaskForgeError as refusal:
            answer = refusal.reason
        except Crash:
            Life.crashes += 1
            forget_connection()
            answer = CRASHED
        self.before, self.seen = self.seen, snapshot(self.eyes)
        check(self.seen)
        check_step(self.before, self.seen)
        Life.verbs |= {self.last_verb(job_id) for job_id in self.changed & set(self.seen.jobs)}
        lost = set(self.accepted) - set(self.seen.jobs)
        assert not lost, "an accepted job is never lost"
        self.listen()
        return answer

    def listen(self) -> None:
        """Follows the notes of cores."""
        noted = "SELECT seen_at FROM workers WHERE id = 'cores'"
        [(noted_at,)] = self.eyes.execute_sql(noted).fetchall()
        if noted_at != self.hearing.noted_at:
            self.hearing = Hearing(noted_at, self.hearing.at(noted_at))

    def follow_leases(self) -> None:
        """Notes which leases a worker has just begun or extended."""
        for job_id, job in self.seen.jobs.items():
            if job["lease_expires_at"] == self.now + LEASE:
                self.extended[job_id] = self.hearing.at(self.now)

    def has_run_out(self, job: Row) -> bool:
        """Whether a job's worker has been silent for a lease while it could be heard."""
        return self.hearing.at(self.now) - self.extended[job["id"]] >= LEASE

    @property
    def changed(self) -> set[UUID]:
        """The jobs that the last step has made, changed or deleted."""
        before, after = self.before.jobs, self.seen.jobs
        return {id_ for id_ in {*before, *after} if before.get(id_) != after.get(id_)}

    def last_verb(self, job_id: UUID) -> str:
        verb: str = self.seen.events[job_id][-1]["verb"]
        return verb

    # Clients

    @rule(
        who=st.integers(0, 2), key=KEYS, content=st.sampled_from([b"a", b"a", b"b"]), crash=CRASHES
    )
    def submit(self, who: int, key: int, content: bytes, crash: int | None) -> None:
        self.now += 1  # no two jobs are of one moment
        caller = self.callers[who]
        texts = jobs_pb2.TicketGenerationOptions()
        submission = jobs.Submission(str(key), "Title", "Spec", texts, None, content)

        def verb() -> UUID:
            job, new = jobs.submit(caller, submission, TTL_S)
            if new:
                self.wakeups.submitted(job.id)
            return job.id

        answer = self.act(verb, crash)
        queued = self.before.clients[caller.client_id]["queued"]
        if answer is Reason.QUEUE_FULL:
            assert queued >= ROOM, "what comes back from lost workers may overfill it"
            assert not self.changed
        elif answer is Reason.IDEMPOTENCY_KEY_REUSED:
            assert not self.changed
        elif answer != CRASHED:
            new = answer not in self.before.jobs
            assert self.changed == ({answer} if new else set())
            assert not new or queued < ROOM
            self.accepted.setdefault(answer, who)
            assert self.accepted[answer] == who
        else:
            assert len(self.changed) <= 1

    @precondition(lambda self: self.seen.jobs)
    @rule(stranger=st.sampled_from([False, False, False, True]), data=st.data(), crash=CRASHES)
    def cancel(self, stranger: bool, data: st.DataObject, crash: int | None) -> None:
        job = self.any_job(data)
        [caller, *_] = [
            caller
            for caller in self.callers
            if (caller.client_id == job["client_id"]) is not stranger
        ]
        answer = self.act(lambda: jobs.cancel(caller, str(job["id"])).status, crash)
        if answer == CRASHED:
            assert self.changed <= {job["id"]}
            return
        if job["client_id"] != caller.client_id:
            expected: object = Reason.JOB_NOT_FOUND
        else:
            expected = {
                "queued": "cancelled",
                "processing": "cancel_requested",
                "cancel_requested": "cancel_requested",
                "cancelled": Reason.JOB_CANCELLED,
            }.get(job["status"], Reason.NOT_CANCELLABLE)
        assert answer == expected
        moved = answer in {"cancelled", "cancel_requested"} and answer != job["status"]
        assert self.changed == ({job["id"]} if moved else set())

    # Workers

    @rule(crash=CRASHES)
    def claim(self, crash: int | None) -> None:
        self.claim_with(self.uuid(), crash)

    @rule(who=st.integers(0, 2))
    def a_job_comes_and_one_begins(self, who: int) -> None:
        """So that reports are often about a job that runs."""
        self.submit(who, self.random.getrandbits(64), b"a", None)
        self.claim_with(self.uuid(), None)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), crash=CRASHES)
    def claim_again(self, data: st.DataObject, crash: int | None) -> None:
        """A worker repeats a claim, the answer to which it may have had or not."""
        self.claim_with(data.draw(recent(self.tokens)), crash)

    def claim_with(self, token: UUID, crash: int | None) -> None:
        if token not in self.tokens:
            self.tokens.append(token)
        self.now += 1
        holder = self.holder(token)
        turn = self.whose_turn()

        def verb() -> UUID | None:
            claimed = leases.claim("worker", token, SETTINGS)
            return claimed[0].id if claimed else None

        answer = self.act(verb, crash)
        self.follow_leases()
        for job_id in self.changed:
            if self.seen.jobs[job_id]["status"] == "processing":
                assert job_id in turn, "it is another client's turn, or an older job's"
                self.leases.append(Lease(job_id, token))
        if answer == CRASHED:
            assert len(self.changed) <= 1
        elif holder is None:
            assert (answer in turn) if turn else (answer is None)
            assert self.changed == ({answer} if turn else set())
        elif holder["status"] == "processing":
            assert answer == holder["id"], "a repeated claim gets the same job"
            assert not self.changed
        else:
            self.check_refused(holder, answer)

    @precondition(lambda self: self.leases)
    @rule(
        data=st.data(),
        stage=st.sampled_from([None, Stage.GENERATING_TICKETS, Stage.VALIDATING_OUTPUT]),
        crash=CRASHES,
    )
    def heartbeat(self, data: st.DataObject, stage: Stage | None, crash: int | None) -> None:
        self.report(
            data,
            lambda lease: leases.heartbeat(lease, stage, "at it", SETTINGS),
            {Verb.HEARTBEAT},
            crash,
        )
        for job_id in self.changed:
            job = self.seen.jobs[job_id]
            if job["status"] == "processing":
                assert job["lease_expires_at"] == self.now + LEASE
                assert not stage or job["stage"] == stage

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), result=st.sampled_from([b"one", b"two"]), crash=CRASHES)
    def complete(self, data: st.DataObject, result: bytes, crash: int | None) -> None:
        def verb(lease: Lease) -> None:
            leases.check(lease)
            leases.complete(lease, Outcome(result, b"{}"))

        self.report(data, verb, {Verb.COMPLETE}, crash, result)

    @precondition(lambda self: self.leases)
    @rule(
        data=st.data(),
        retryable=st.booleans(),
        after=st.sampled_from([None, timedelta(seconds=5), timedelta(hours=1)]),
        crash=CRASHES,
    )
    def fail(
        self, data: st.DataObject, retryable: bool, after: timedelta | None, crash: int | None
    ) -> None:
        def verb(lease: Lease) -> int | None:
            return leases.fail(
                lease,
                JobErrorCode.OLLAMA_UNAVAILABLE,
                "away",
                retryable=retryable,
                retry_after=after,
                settings=SETTINGS,
            )

        self.report(data, verb, {Verb.FAIL, Verb.RETRY}, crash)
        for job_id in self.changed:
            failures = self.before.jobs[job_id]["failures"]
            match self.last_verb(job_id):
                case Verb.RETRY:
                    assert retryable
                    assert failures < SETTINGS.max_attempts - 1
                    waits = self.seen.jobs[job_id]["available_at"] - self.now
                    assert 0 < waits <= clock.micros(60), "a job fails in about two minutes"
                case Verb.FAIL:
                    assert not retryable or failures == SETTINGS.max_attempts - 1

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), crash=CRASHES)
    def release(self, data: st.DataObject, crash: int | None) -> None:
        self.report(data, leases.release, {Verb.RELEASE}, crash)
        for job_id in self.changed:
            if self.seen.jobs[job_id]["status"] == "queued":
                assert self.seen.jobs[job_id]["available_at"] <= self.now

    def report(
        self,
        data: st.DataObject,
        verb: Callable[[Lease], Any],
        moves: set[Verb],
        crash: int | None,
        result: bytes | None = None,
    ) -> None:
        """A report under a lease, which may be long lost; only the holder of a job is heard."""
        if not self.holding() and data.draw(st.booleans()):
            self.a_job_comes_and_one_begins(data.draw(st.integers(0, 2)))
        holding = self.holding()
        lease = data.draw(recent(holding) | recent(self.leases) if holding else recent(self.leases))
        holder = self.holder(lease.token)
        stored = self.seen.results.get(lease.job_id, [])
        answer = self.act(lambda: verb(lease), crash)
        self.follow_leases()
        if holder is None or holder["id"] != lease.job_id:
            assert answer in {Reason.LEASE_LOST, CRASHED}
            assert not self.changed, "a stale token changes nothing"
        elif holder["status"] != "processing":
            repeated = result is not None and holder["status"] == "completed" and [result] == stored
            if repeated:
                assert answer in {None, CRASHED}, "a repeated completion succeeds"
                assert not self.changed
            else:
                self.check_refused(holder, answer)
        elif answer == CRASHED:
            assert self.changed <= {lease.job_id}
        else:
            assert not isinstance(answer, Reason)
            assert self.changed == {lease.job_id} or moves == {Verb.HEARTBEAT}
            assert moves == {Verb.HEARTBEAT} or self.last_verb(lease.job_id) in moves
            assert not result or self.seen.results[lease.job_id] == [result]

    @precondition(lambda self: self.running())
    @rule(data=st.data(), crash=CRASHES)
    def a_worker_is_told_to_stop(self, data: st.DataObject, crash: int | None) -> None:
        job = data.draw(recent(self.running()))
        [owner] = [one for one in self.callers if one.client_id == job["client_id"]]
        assert self.act(partial(jobs.cancel, owner, str(job["id"]))) != CRASHED
        job = self.seen.jobs[job["id"]]
        assert job["status"] == "cancel_requested"
        lease = Lease(job["id"], job["lease_token"])
        self.check_refused(job, self.act(partial(leases.release, lease), crash))

    def check_refused(self, job: Row, answer: object) -> None:
        """Any report confirms a cancellation; else a job that is not running hears none."""
        assert self.changed <= {job["id"]}
        if job["status"] in {"cancel_requested", "cancelled"}:
            assert answer in {Reason.CANCEL_REQUESTED, CRASHED}
            status = self.seen.jobs[job["id"]]["status"]
            assert status == "cancelled" or (answer == CRASHED and not self.changed)
        else:
            assert answer in {Reason.LEASE_LOST, CRASHED}
            assert not self.changed

    # Cores and time

    @rule(span=SPANS)
    def time_passes(self, span: float) -> None:
        self.now += clock.micros(span)

    @rule(away=st.booleans())
    def queue_comes_and_goes(self, away: bool) -> None:
        """And what it held is lost."""
        self.queue.come_and_go(away=away)

    @rule(number=st.integers(0, 1))
    def a_lease_long_no_worker_speaks_up(self, number: int) -> None:
        for _ in range(LEASE // BORNE):
            self.now += BORNE
            self.sweep_once(number, None)

    @precondition(lambda self: self.running())
    @rule(away=st.sampled_from([16.0, 31.0, 46.0]), crash=st.integers(3, 9))
    def a_core_dies_as_it_comes_back(self, away: float, crash: int) -> None:
        self.now += clock.micros(away)
        self.sweep_once(0, crash)

    @rule(number=st.integers(0, 1), crash=CRASHES)
    def sweep(self, number: int, crash: int | None) -> None:
        self.sweep_once(number, crash)

    def sweep_once(self, number: int, crash: int | None) -> None:
        answer = self.act(self.sweepers[number].sweep, crash)
        for job_id in self.changed:
            before, after = self.before.jobs[job_id], self.seen.jobs[job_id]
            if before["status"] == "queued":
                assert (before["stage"], after["stage"]) == ("accepted", "queued")
            elif after["lease_token"] == before["lease_token"] and after["status"] in LEASED:
                put_off = {"lease_expires_at": after["lease_expires_at"]}
                assert after == {**before, **put_off}
            else:
                self.check_lost(before)
        if answer == CRASHED:
            return
        held = [job for job in self.seen.jobs.values() if job["status"] in LEASED]
        assert not any(map(self.has_run_out, held)), "what has run out is taken back at once"
        if not self.queue.away:
            claimable = len(self.claimable())
            assert min(claimable, SLOTS) <= self.queue.waiting <= SLOTS

    def check_lost(self, job: Row) -> None:
        """What a sweep may do to a job that a worker held."""
        assert self.has_run_out(job), "a worker that could not be heard keeps its job"
        lost = {
            Verb.GIVE_UP: job["lease_losses"] + 1 == SETTINGS.max_lease_losses,
            Verb.LOSE_LEASE: job["lease_losses"] + 1 < SETTINGS.max_lease_losses,
            Verb.CONFIRM_CANCEL: job["status"] == "cancel_requested",
        }
        assert lost[Verb(self.last_verb(job["id"]))]

    @rule(number=st.integers(0, 1), crash=CRASHES)
    def expire(self, number: int, crash: int | None) -> None:
        answer = self.act(self.sweepers[number].expire, crash)
        for job_id in self.changed:
            assert self.before.jobs[job_id]["expires_at"] <= self.now
            assert self.seen.jobs[job_id]["status"] == "expired"
        if answer != CRASHED:
            for job in self.seen.jobs.values():
                live = job["status"] in {"queued", "processing"}
                assert not live or job["expires_at"] > self.now

    @rule(number=st.integers(0, 1), crash=CRASHES)
    def purge(self, number: int, crash: int | None) -> None:
        day = clock.micros(86_400)
        old = {
            id_
            for id_, job in self.seen.jobs.items()
            if job["ended_at"] is not None and job["ended_at"] < self.now - day
        }
        kept = {id_: who for id_, who in self.accepted.items() if id_ not in old}
        purged, self.accepted = self.accepted, kept
        answer = self.act(self.sweepers[number].purge, crash)
        assert self.changed <= old, "only what is past its retention is deleted"
        assert answer == CRASHED or self.changed == old
        # After a crash some may be left.
        self.accepted = {id_: who for id_, who in purged.items() if id_ in self.seen.jobs}

    # What is expected

    def any_job(self, data: st.DataObject) -> Row:
        by_interest = sorted(
            self.seen.jobs.values(), key=lambda job: (job["status"] in LEASED, job["created_at"])
        )
        row: Row = data.draw(recent(by_interest))
        return row

    def holder(self, token: UUID) -> Row | None:
        """The job that a token is of, in whatever status."""
        found = [job for job in self.seen.jobs.values() if job["lease_token"] == token]
        return found[0] if found else None

    def holding(self) -> list[Lease]:
        """The leases under which a job runs."""
        running = {job["lease_token"] for job in self.running()}
        return [lease for lease in self.leases if lease.token in running]

    def claimable(self) -> list[Row]:
        return [
            job
            for job in self.seen.jobs.values()
            if job["status"] == "queued" and job["available_at"] <= self.now < job["expires_at"]
        ]

    def whose_turn(self) -> set[UUID]:
        """The jobs that may be claimed next: the oldest of the client that is next."""
        claimable = self.claimable()
        clients = [self.seen.clients[job["client_id"]] for job in claimable]
        if not clients:
            return set()
        turn = min((client["running"], client["served_at"]) for client in clients)
        next_ones = set()
        for client in clients:
            if (client["running"], client["served_at"]) == turn:
                own = [job for job in claimable if job["client_id"] == client["id"]]
                oldest = min(job["created_at"] for job in own)
                next_ones |= {job["id"] for job in own if job["created_at"] == oldest}
        return next_ones

    def finish(self) -> None:
        """Once everything works again, every job ends."""
        self.queue.come_and_go(away=False)
        sweeper = self.sweepers[0]
        deadline = self.now + 2 * clock.micros(TTL_S)
        while self.live():
            assert self.now < deadline, "every accepted job ends"
            # All of it counts against leases.
            self.now += BORNE
            self.act(sweeper.sweep)
            self.act(sweeper.expire)
            while turn := self.whose_turn():
                assert self.queue.waiting, "a worker that waits to be woken would wait for ever"
                token = self.uuid()
                self.act(partial(leases.claim, "worker", token, SETTINGS))
                [job_id] = turn & self.changed
                self.act(partial(leases.complete, Lease(job_id, token), Outcome(b"late", b"{}")))

    def running(self) -> list[Row]:
        return [job for job in self.seen.jobs.values() if job["status"] in LEASED]

    def live(self) -> bool:
        return any(job["status"] not in TERMINAL for job in self.seen.jobs.values())


@pytest.fixture
def machine(
    backend: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], Life]]:
    """Makes machines on a database of their own."""
    with temporary_folder(memory()) as folder:
        url = storage(backend, request).get(
            "TASKFORGE_DATABASE_URL", f"sqlite:///{folder / 'taskforge.db'}"
        )
        migrate.migrate(url)
        opened = database.connect(url)
        failpoints = Failpoints(opened)
        yield lambda: Life(failpoints, url, monkeypatch)
        opened.close()


def explore(machine: Callable[[], Life], examples: int, *, anew: bool) -> int:
    """Runs the machine, and returns how many steps it took: of all kinds, and with crashes."""
    Life.steps, Life.crashes, Life.verbs = 0, 0, set()
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type] # anything that makes a machine will do
        settings=settings(
            max_examples=examples,
            stateful_step_count=50,
            deadline=None,
            derandomize=not anew,
            suppress_health_check=list(HealthCheck),
            database=None,
            # Without shrinking, which would take longer than all the rest: a
            # failure prints its steps.
            phases=[Phase.generate],
        ),
    )
    assert Life.crashes > Life.steps / 20
    missing = set(Verb) - Life.verbs
    # A run that is the same each time is known to take every row of the table; others may miss one.
    assert anew or Life.steps < MANY or not missing
    return Life.steps


def test_whatever_happens_no_job_is_lost_or_done_twice(
    machine: Callable[[], Life], backend: str
) -> None:
    examples, steps = (110, MANY) if backend == "sqlite" else (20, 1000)
    assert explore(machine, examples, anew=False) >= steps


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nor_in_a_longer_run(machine: Callable[[], Life], backend: str) -> None:
    examples, steps = (600, 20_000) if backend == "sqlite" else (150, MANY)
    assert explore(machine, examples, anew=True) >= steps
