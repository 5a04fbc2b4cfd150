"""How often a key may call.

Counted in memory, or in the Redis of the queue, so that all cores count together.
"""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil
from time import time

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import SlidingWindowCounterRateLimiter

from tickets.errors import Reason, TaskForgeError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left after a call, in the terms of the RateLimit header fields draft.

    Attributes:
        quota: Calls per window.
        window: Seconds of a window.
        remaining: Calls left now.
        reset: Seconds until the quota is whole again.
    """

    quota: int
    window: int
    remaining: int
    reset: int

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
        """Counts one call of a key that may make `rate` calls, such as `600/minute`.

        Raises:
            TaskForgeError: RATE_LIMITED; carries when to come back.
        """
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
    if not allowed:
        raise TaskForgeError(
            Reason.RATE_LIMITED,
            f"more than {limit.amount} calls per {limit.GRANULARITY.name}; try again in {reset} s",
            retry_after=timedelta(seconds=reset),
        )
    return Allowance(limit.amount, limit.get_expiry(), max(0, stats.remaining), reset)


def _shared(queue_url: str) -> Storage | None:
    if not queue_url.startswith("redis"):
        return None
    return RedisStorage(queue_url, key_prefix="taskforge", wrap_exceptions=True)


@lru_cache(maxsize=1000)
def _parsed(rate: str) -> RateLimitItem:
    return parse(rate)
