"""The life of a job, as data: statuses, transitions, and who makes them.

Core's verbs, the database's constraints and the diagram in `docs/` are made
from the table below.
"""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Stage(StrEnum):
    """The last working stage reached; a job that is cancelled or expires keeps its own."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    PREPARING_PROMPT = "preparing_prompt"
    GENERATING_TICKETS = "generating_tickets"
    VALIDATING_OUTPUT = "validating_output"
    COMPLETED = "completed"
    FAILED = "failed"


class Verb(StrEnum):
    SUBMIT = "submit"
    CLAIM = "claim"
    HEARTBEAT = "heartbeat"
    COMPLETE = "complete"
    FAIL = "fail"
    RETRY = "retry"
    RELEASE = "release"
    LOSE_LEASE = "lose lease"
    GIVE_UP = "give up"
    CANCEL = "cancel"
    CONFIRM_CANCEL = "confirm cancel"
    EXPIRE = "expire"


@dataclass(frozen=True, slots=True)
class Transition:
    """One row of the table.

    Attributes:
        verb: What happens.
        source: The status it happens in; None for a new job.
        target: The status after it.
        actor: Who makes it happen.
        when: Its condition, in words.
    """

    verb: Verb
    source: Status | None
    target: Status
    actor: str
    when: str


TRANSITIONS = (
    Transition(Verb.SUBMIT, None, Status.QUEUED, "client", "the request is accepted"),
    Transition(
        Verb.CLAIM,
        Status.QUEUED,
        Status.PROCESSING,
        "worker",
        "past `available_at`, before `expires_at`",
    ),
    Transition(Verb.HEARTBEAT, Status.PROCESSING, Status.PROCESSING, "worker", "holds the lease"),
    Transition(Verb.COMPLETE, Status.PROCESSING, Status.COMPLETED, "worker", "the result is valid"),
    Transition(
        Verb.FAIL, Status.PROCESSING, Status.FAILED, "worker", "permanent, or the last attempt"
    ),
    Transition(
        Verb.RETRY, Status.PROCESSING, Status.QUEUED, "worker", "retryable, after a growing delay"
    ),
    Transition(Verb.RELEASE, Status.PROCESSING, Status.QUEUED, "worker", "drain; costs no attempt"),
    Transition(Verb.LOSE_LEASE, Status.PROCESSING, Status.QUEUED, "sweeper", "the lease ran out"),
    Transition(
        Verb.GIVE_UP, Status.PROCESSING, Status.FAILED, "sweeper", "the lease ran out too often"
    ),
    Transition(Verb.CANCEL, Status.QUEUED, Status.CANCELLED, "client", "at once"),
    Transition(
        Verb.CANCEL, Status.PROCESSING, Status.CANCEL_REQUESTED, "client", "the worker is told"
    ),
    Transition(
        Verb.CONFIRM_CANCEL,
        Status.CANCEL_REQUESTED,
        Status.CANCELLED,
        "worker or sweeper",
        "any report, or the lease ran out",
    ),
    Transition(Verb.EXPIRE, Status.QUEUED, Status.EXPIRED, "sweeper", "past `expires_at`"),
    Transition(Verb.EXPIRE, Status.PROCESSING, Status.EXPIRED, "sweeper", "past `expires_at`"),
)

# A status that nothing leaves.
TERMINAL = frozenset(Status) - {row.source for row in TRANSITIONS}
# A status in which a worker holds a lease.
LEASED = frozenset({Status.PROCESSING, Status.CANCEL_REQUESTED})


def target(verb: Verb, source: Status | None) -> Status:
    """The status that a verb leads to.

    Raises:
        KeyError: The table has no such row.
    """
    return _TARGETS[verb, source]


_TARGETS = {(row.verb, row.source): row.target for row in TRANSITIONS}
