"""How often a key may call.

Counted in memory, or in the Redis of the queue, so that all cores count together.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from threading import Lock
from time import monotonic, time
from typing import NamedTuple

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

log = logging.getLogger(__name__)

# A Redis that does not answer costs a few calls this long, and none the same time again.
_PATIENCE_S = 0.5
_AWAY_S = 2.0
_DROP_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a call, in the terms of the RateLimit header fields draft.

    Attributes:
        quota: Calls per window.
        window: Seconds of a window.
        remaining: Calls left now.
        reset: Seconds until the quota is whole again.
        exceeded: The call itself was one too many.
    """

    quota: int
    window: int
    remaining: int
    reset: int
    exceeded: bool

    def headers(self) -> tuple[tuple[str, str], ...]:
        return (
            ("ratelimit-policy", f'"key";q={self.quota};w={self.window}'),
            ("ratelimit", f'"key";r={self.remaining};t={self.reset}'),
        )


class RateLimiter:
    """Counts calls per key over a sliding window."""

    def __init__(self, queue_url: str) -> None:
        self._alone = SlidingWindowCounterRateLimiter(_Counters())
        self._together = SlidingWindowCounterRateLimiter(_shared(queue_url) or self._alone.storage)
        self._away_until = 0.0

    def take(self, key_id: str, rate: str) -> Allowance:
        """Counts one call of a key that may make `rate` calls, such as `600/minute`."""
        limit = _parsed(rate)
        if monotonic() >= self._away_until:
            try:
                return _take(self._together, limit, key_id)
            except StorageError as fault:
                self._away_until = monotonic() + _AWAY_S
                log.warning("rate limits are counted per core, Redis is away: %s", fault)
        # Without Redis each core counts for itself rather than refuse everybody.
        return _take(self._alone, limit, key_id)


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


class _Counters(MemoryStorage):
    """Sliding windows in memory, for the library's strategy.

    Its own storage has a key for each window, and a thread that drops old ones
    a hundred times a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._windows: dict[str, _Window] = {}
        self._next_drop = 0.0

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        now = time()
        with self._lock:
            number, current, previous, _ = self._window(key, expiry, now)
            weighted = previous * _share_left(now, expiry) + current
            if floor(weighted) + amount > limit:
                return False
            self._drop_forgotten(now)
            until = (number + 2) * expiry
            self._windows[key] = _Window(number, current + amount, previous, until)
            return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        now = time()
        found = self._window(key, expiry, now)
        left = _share_left(now, expiry) * expiry
        return found.previous, left if found.previous else 0.0, found.current, left + expiry

    def _window(self, key: str, expiry: int, now: float) -> _Window:
        """The window of this moment, by what the last call has left."""
        number = int(now // expiry)
        last = self._windows.get(key)
        if last is None or last.number < number - 1:
            return _Window(number, 0, 0, 0.0)
        return last if last.number == number else _Window(number, 0, last.current, 0.0)

    def _drop_forgotten(self, now: float) -> None:
        """Looks through all keys, once in a while."""
        if now >= self._next_drop:
            self._next_drop = now + _DROP_EVERY_S
            for key in [key for key, each in self._windows.items() if each.forgotten_at <= now]:
                del self._windows[key]


def _share_left(now: float, expiry: int) -> float:
    """How much of the current window is still to come, and so of the previous one still counts."""
    return 1 - now / expiry % 1


def _take(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, key_id: str) -> Allowance:
    allowed = limiter.hit(limit, key_id)
    stats = limiter.get_window_stats(limit, key_id)
    reset = max(1, ceil(stats.reset_time - time()))
    remaining = max(0, stats.remaining)
    return Allowance(limit.amount, limit.get_expiry(), remaining, reset, exceeded=not allowed)


def _shared(queue_url: str) -> Storage | None:
    if not queue_url.startswith("redis"):
        return None
    return RedisStorage(
        queue_url,
        key_prefix="taskforge",
        wrap_exceptions=True,
        socket_timeout=_PATIENCE_S,
        socket_connect_timeout=_PATIENCE_S,
    )


@lru_cache(maxsize=1000)
def _parsed(rate: str) -> RateLimitItem:
    return parse(rate)
