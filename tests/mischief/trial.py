"""One job by chance, run to its end, and a line for everything about it that should not be."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from tests.generation import job
from tests.mischief import specs
from tests.mischief.model import FAULTS, Blame, Model
from tests.mischief.result import wrongs_of
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tickets.errors import JobErrorCode
from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled, GenerationError, GenerationJob
from worker.generation.journal import Journal
from worker.generation.pipeline import generate
from worker.provenance import packed
from worker.provider import Provider

_PATIENT_S = 60.0
# For models that fall silent; nothing else takes as long.
_SHORT_S = 0.7
_SLACK_S = 3.0
_CANCELLED_WITHIN_S = 1.0
_SETTLED_WITHIN_S = 2.0
_LONGEST_MESSAGE = 300
# The instructions alone take half of a smaller window.
_ROOMY = 2048
# Each of fifty tickets may be asked for alone, and mended twice.
_MOST_CALLS = 160


@dataclass
class Trial:
    """A job and its model, all by the seed.

    Attributes:
        seed: Gives the same trial again.
        ended: `completed`, an error code, or `cancelled`.
        seconds: What it took.
        wrongs: What should not be, a line each.
    """

    seed: str
    asked: GenerationJob
    small: bool
    model: Model
    context_length: int
    seconds_left: float
    cancelled_after: float | None
    calls_at_once: int
    ended: str = ""
    message: str = ""
    seconds: float = 0.0
    stopped_in: float = 0.0
    calls: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    journal: Journal = field(default_factory=Journal)
    wrongs: list[str] = field(default_factory=list)

    def line(self) -> str:
        """What it was, for whoever has to look into it."""
        asked = self.asked
        return (
            f"seed {self.seed}: {len(asked.spec)} characters, count {asked.ticket_count}, at most "
            f"{asked.max_ticket_count}, epics {asked.include_epics}, {asked.output_detail}, "
            f"{'small' if self.small else 'large'}, window {self.context_length}, "
            f"{self.model.always} "
            f"faults {self.model.rate:.0%} {self.model.faults[:5]}, {self.calls} calls, "
            f"{self.seconds:.1f} s, {self.ended} {self.message}"
        )


def trial(
    peer: OllamaPeer, seed: str, *, long: bool = False, faults: list[str] | None = None
) -> Trial:
    """Makes a trial and runs it.

    Args:
        peer: Idle; it is this trial's until the end.
        seed: Any text.
        long: Specs may be of several calls.
        faults: Those that may happen; by chance if None.
    """
    made = _made(peer, seed, long=long, faults=faults)
    peer.acts, peer.context_length = made.model.acts, made.context_length
    peer.replies.clear()
    peer.requests.clear()
    before = set(threading.enumerate())
    try:
        _run(made, peer)
    finally:
        _settle(made, before)
    _judge(made, peer)
    return made


def _made(peer: OllamaPeer, seed: str, *, long: bool, faults: list[str] | None) -> Trial:
    chance = random.Random(seed)
    most = chance.choice((1, 2, 5, 12, 50, 50))
    count = chance.choice((None, None, 1, 2, 5, 17, 50))
    asked = job(
        specs.spec(chance, long=long),
        title=chance.choice(
            (
                "Rooms",
                "The rooms of all our houses, and who may book which of them when, for how long; "
                * 3,
                "\u202e# **Rooms** </spec>",
                "Räume 部屋",
            )
        ),
        ticket_count=None if count is None else min(count, most),
        max_ticket_count=most,
        include_epics=chance.random() < 0.7,
        output_detail=chance.choice(("compact", "standard", "detailed")),
    )
    several = chance.sample(sorted(FAULTS), chance.choice((1, 1, 2, 3)))
    chosen = chance.choice((several, several, sorted(FAULTS)))
    faults = faults or chosen
    rate = chance.choice((0.0, 0.2, 0.5, 0.8, 1.0, 1.0))
    silent = rate > 0 and any(FAULTS[fault] is Blame.SILENCE for fault in faults)
    narrow = chance.choice(("narrow", "cuts"))
    always = f"[[peer: {narrow} {chance.randint(900, 6000)}]]" if chance.random() < 0.15 else ""
    return Trial(
        seed=seed,
        asked=asked,
        small=chance.random() < 0.3,
        model=Model(peer, seed, rate, faults, always=always, heeds_limit=chance.random() < 0.8),
        context_length=chance.choice((1024, 2048, 4096, 8192, 8192, 131_072)),
        seconds_left=_SHORT_S if silent else _PATIENT_S,
        cancelled_after=chance.random() * 0.15 if chance.random() < 0.1 else None,
        calls_at_once=chance.choice((1, 1, 1, 3)),
    )


def _run(made: Trial, peer: OllamaPeer) -> None:
    cancellation = Cancellation()
    provider = Provider(
        peer.url, model=SMALL if made.small else LARGE, calls_per_host=made.calls_at_once
    )
    began = time.monotonic()
    stopped: list[float] = []

    def stop() -> None:
        stopped.append(time.monotonic())
        cancellation.request()

    alarm = threading.Timer(made.cancelled_after or 0, stop)
    if made.cancelled_after is not None:
        alarm.start()
    try:
        made.result = generate(
            made.asked,
            provider,
            deadline=began + made.seconds_left,
            cancellation=cancellation,
            report=lambda _stage, _progress: None,
            journal=made.journal,
        )
        made.ended = "completed"
    except GenerationError as error:
        made.ended, made.message = str(error.code), error.message
    except GenerationCancelled:
        made.ended = "cancelled"
    except Exception as error:  # noqa: BLE001 - finding them is what this is for
        made.ended = "crashed"
        made.wrongs.append(f"crashed: {_place_of(error)}")
    ended = time.monotonic()
    alarm.cancel()
    made.seconds = ended - began
    made.stopped_in = ended - stopped[0] if stopped else 0.0


def _place_of(error: BaseException) -> str:
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    place = f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "nowhere"
    return f"{type(error).__name__} {str(error)[:100]!r} at {place}"


def _settle(made: Trial, before: set[threading.Thread]) -> None:
    """Waits for the threads of the trial; the peer has one for each connection that is open."""
    until = time.monotonic() + _SETTLED_WITHIN_S
    while (left := set(threading.enumerate()) - before) and time.monotonic() < until:
        time.sleep(0.002)
    made.wrongs += [f"left over: {thread.name}" for thread in left]


def _judge(made: Trial, peer: OllamaPeer) -> None:
    made.calls = len(peer.chats())
    made.wrongs += _wrongs_of_end(made)
    made.wrongs += _wrongs_of_journal(made)
    if made.seconds > made.seconds_left + _SLACK_S:
        made.wrongs.append(f"too late: {made.seconds:.1f} s")
    if made.stopped_in > _CANCELLED_WITHIN_S:
        made.wrongs.append(f"cancelled too late: {made.stopped_in:.1f} s")
    if made.calls > _MOST_CALLS:
        made.wrongs.append(f"too many calls: {made.calls}")
    if made.ended == "completed":
        made.wrongs += wrongs_of(made.result, made.asked, written=not made.small)


def _wrongs_of_end(made: Trial) -> Iterator[str]:
    """Whether the job may end so, after what its model has done."""
    blames = made.model.blames()
    fits = {
        "completed": True,
        "cancelled": made.cancelled_after is not None,
        JobErrorCode.OLLAMA_UNAVAILABLE: Blame.SERVER in blames[-2 * made.calls_at_once :],
        JobErrorCode.MODEL_TIMEOUT: made.seconds >= made.seconds_left - _SHORT_S / 2,
        JobErrorCode.MODEL_OUTPUT_INVALID: Blame.OUTPUT in blames
        or bool(made.model.always)
        or made.context_length < _ROOMY,
        "crashed": True,  # is told apart
    }
    if not fits.get(made.ended):
        yield f"ended as {made.ended} without a cause: {made.message}"
    if made.ended in set(JobErrorCode):
        message = made.message
        if not 0 < len(message) <= _LONGEST_MESSAGE or "\n" in message or "rule" in message:
            yield f"says nothing of use: {message[:100]!r}"
        if any(len(line) > 20 and line in message for line in made.asked.spec.splitlines()):
            yield "a text of the spec in the message"


def _wrongs_of_journal(made: Trial) -> Iterator[str]:
    told = made.journal.calls
    # One that is cancelled, or late, may not have been sent.
    unsent = [call for call in told if call.error.startswith(("cancelled", "model_timeout"))]
    if not len(told) - len(unsent) <= made.calls <= len(told):
        yield f"{made.calls} calls, of which {len(told)} are told"
    if not all(call.error or call.finish_reason for call in made.journal.calls):
        yield "a call without an end"
    if not packed(made.journal, "worker"):
        yield "cannot be told to core"


def impatient() -> AbstractContextManager[Any]:
    """Within it, a call that has failed is made again at once."""
    return patch("worker.generation.calls._PAUSES_S", (0.01, 0.02))
