"""How often a key may call.

Counted in memory, or in the Redis of the queue, so that all cores count together.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from threading import Lock
from time import monotonic, time

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

log = logging.getLogger(__name__)

# A Redis that does not answer costs a few calls this long, and none the same time again.
_PATIENCE_S = 0.5
_AWAY_S = 2.0


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


class _Counters(MemoryStorage):
    """The library's storage, without the thread that it starts for every hundredth of a second.

    A counter that has run out is dropped when others are made, at most once a second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = Lock()
        self._next_drop = 0.0

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        with self._lock:
            if key not in self.expirations:
                self._begin(key, time(), expiry)
            self.storage[key] += amount
            return self.storage[key]

    def decr(self, key: str, amount: int = 1) -> int:
        with self._lock:
            self.storage[key] = max(self.storage[key] - amount, 0)
            return self.storage[key]

    def get(self, key: str) -> int:
        return self.storage[key] if self.expirations.get(key, 0) > time() else 0

    def _begin(self, key: str, now: float, expiry: float) -> None:
        if now >= self._next_drop:
            self._next_drop = now + 1
            for old in [key for key, at in self.expirations.items() if at <= now]:
                del self.expirations[old], self.storage[old]
        self.storage[key] = 0
        self.expirations[key] = now + expiry


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
