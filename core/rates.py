"""How often a key may call.

Counted in memory, or in the Redis of the queue, so that all cores count together.
"""

import logging
from functools import lru_cache
from math import ceil, floor
from threading import Lock
from time import monotonic, time
from typing import NamedTuple

from limits import parse
from limits.errors import StorageError
from limits.storage import RedisStorage

log = logging.getLogger(__name__)

# A Redis that does not answer costs a few calls this long, and none the same time again.
_PATIENCE_S = 0.5
_AWAY_S = 2.0
_DROP_EVERY_S = 10.0


class Rate(NamedTuple):
    """A rate in its parts, worked out once.

    Attributes:
        quota: Calls per window.
        window: Seconds of a window.
        suffix: What tells it from other rates in a counter's name.
        policy: The `RateLimit-Policy` header.
    """

    quota: int
    window: int
    suffix: str
    policy: str


class Allowance(NamedTuple):
    """What is left after a call, in the terms of the RateLimit header fields draft.

    Attributes:
        rate: What the key may do.
        remaining: Calls left now.
        reset: Seconds until there is room for one more.
        exceeded: The call itself was one too many.
    """

    rate: Rate
    remaining: int
    reset: int
    exceeded: bool

    def headers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("ratelimit-policy", self.rate.policy),
            ("ratelimit", f'"key";r={self.remaining};t={self.reset}'),
        )


class RateLimiter:
    """Counts calls per key over a sliding window."""

    def __init__(self, queue_url: str) -> None:
        self._alone = _InMemory()
        self._together = _InRedis(queue_url) if queue_url.startswith("redis") else self._alone
        self._away_until = 0.0

    def take(self, key_id: str, rate: str) -> Allowance:
        """Counts one call of a key that may make `rate` calls, such as `600/minute`."""
        parsed = _parsed(rate)
        if monotonic() >= self._away_until:
            try:
                return _taken(parsed, self._together.count(key_id + parsed.suffix, parsed))
            except StorageError as fault:
                self._away_until = monotonic() + _AWAY_S
                log.warning("rate limits are counted per core, Redis is away: %s", fault)
        # Without Redis each core counts for itself rather than refuse everybody.
        return _taken(parsed, self._alone.count(key_id + parsed.suffix, parsed))


class _Count(NamedTuple):
    """A sliding window after a call.

    Attributes:
        previous: Calls in the window before, which count by the share of it that the
            sliding window still covers.
        previous_for: Seconds that it still covers any.
        current: Calls in the current window.
        current_for: Seconds until they are forgotten.
        allowed: The call was counted.
    """

    previous: int
    previous_for: float
    current: int
    current_for: float
    allowed: bool


def _taken(rate: Rate, count: _Count) -> Allowance:
    previous, previous_for, current, current_for, allowed = count
    counted = floor(previous * previous_for / rate.window + current)
    waits = [current_for % rate.window] if current else []
    if previous:
        waits.append(previous_for % (rate.window / previous))
    reset = max(1, ceil(min(waits, default=0)))
    return Allowance(rate, max(0, rate.quota - counted), reset, not allowed)


class _Window(NamedTuple):
    """What has been counted in a window and in the one before it.

    Attributes:
        number: Windows since the epoch.
        current: Calls in it.
        previous: Calls in the one before.
        forgotten_at: When neither matters any more.
    """

    number: int
    current: int
    previous: int
    forgotten_at: float


class _InMemory:
    """The library's sliding window counter for one process.

    Its own storage in memory has a key for each window, and a thread that
    drops old ones a hundred times a second.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._windows: dict[str, _Window] = {}
        self._next_drop = 0.0

    def count(self, counter: str, rate: Rate) -> _Count:
        """Counts a call if there is room for it."""
        now = time()
        number, into = divmod(now, rate.window)
        left = rate.window - into
        with self._lock:
            current, previous = self._counts(counter, int(number))
            allowed = floor(previous * left / rate.window) + current < rate.quota
            if allowed:
                current += 1
                until = (number + 2) * rate.window
                self._windows[counter] = _Window(int(number), current, previous, until)
                self._drop_forgotten(now)
        return _Count(previous, left, current, left + rate.window, allowed)

    def _counts(self, counter: str, number: int) -> tuple[int, int]:
        """Calls in this window and in the one before, by what the last call has left."""
        last = self._windows.get(counter)
        if last is None or last.number < number - 1:
            return 0, 0
        return (last.current, last.previous) if last.number == number else (0, last.current)

    def _drop_forgotten(self, now: float) -> None:
        """Looks through all keys, once in a while."""
        if now >= self._next_drop:
            self._next_drop = now + _DROP_EVERY_S
            for key in [key for key, each in self._windows.items() if each.forgotten_at <= now]:
                del self._windows[key]


class _InRedis:
    """The library's sliding window counter for all cores together."""

    def __init__(self, queue_url: str) -> None:
        self._storage = RedisStorage(
            queue_url,
            key_prefix="taskforge",
            wrap_exceptions=True,
            socket_timeout=_PATIENCE_S,
            socket_connect_timeout=_PATIENCE_S,
        )

    def count(self, counter: str, rate: Rate) -> _Count:
        """Counts a call if there is room for it.

        Raises:
            StorageError: Redis does not answer.
        """
        # As the library's strategy does, which makes up the counter's name for each question.
        counter = f"LIMITER/{counter}"
        allowed = self._storage.acquire_sliding_window_entry(counter, rate.quota, rate.window)
        return _Count(*self._storage.get_sliding_window(counter, rate.window), allowed)


@lru_cache(maxsize=1000)
def _parsed(rate: str) -> Rate:
    limit = parse(rate)
    quota, window = limit.amount, limit.get_expiry()
    # As the library names counters, so that cores of the version before count along.
    suffix = f"/{quota}/{limit.multiples}/{limit.GRANULARITY.name}"
    return Rate(quota, window, suffix, f'"key";q={quota};w={window}')
