"""How often a key may call.

Counted in memory, or in the Redis of the queue, so that all cores count together.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from time import time

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

log = logging.getLogger(__name__)


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
        self._alone = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._together = SlidingWindowCounterRateLimiter(_shared(queue_url) or self._alone.storage)

    def take(self, key_id: str, rate: str) -> Allowance:
        """Counts one call of a key that may make `rate` calls, such as `600/minute`."""
        limit = _parsed(rate)
        try:
            return _take(self._together, limit, key_id)
        except StorageError as fault:
            # Without Redis each core counts for itself rather than refuse everybody.
            log.warning("rate limits are counted per core, Redis is away: %s", fault)
            return _take(self._alone, limit, key_id)


def _take(limiter: SlidingWindowCounterRateLimiter, limit: RateLimitItem, key_id: str) -> Allowance:
    allowed = limiter.hit(limit, key_id)
    stats = limiter.get_window_stats(limit, key_id)
    reset = max(1, ceil(stats.reset_time - time()))
    remaining = max(0, stats.remaining)
    return Allowance(limit.amount, limit.get_expiry(), remaining, reset, exceeded=not allowed)


def _shared(queue_url: str) -> Storage | None:
    if not queue_url.startswith("redis"):
        return None
    return RedisStorage(queue_url, key_prefix="taskforge", wrap_exceptions=True)


@lru_cache(maxsize=1000)
def _parsed(rate: str) -> RateLimitItem:
    return parse(rate)
