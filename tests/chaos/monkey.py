"""What breaks things: kills every second, and slower trouble that ends by itself."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import redis as redis_client

from tests.chaos.fleet import Fleet, children
from tests.processes import Process
from tests.proxy import Proxy
from tests.stack import Room

_KILL_EVERY_S = 1.0
_TROUBLE_EVERY_S = 4.0
# Beyond the lease of four seconds, and more than a sweep.
_FREEZE_S = (5.0, 7.0)
_AWAY_S = (0.0, 3.0)
_DEAF_S = (2.0, 8.0)

Heal = Callable[[], None]
# Returns how many seconds it lasts, and what ends it.
Begin = Callable[[], tuple[float, Heal]]


@dataclass
class Fault:
    """One thing that was done, and when it was over, in seconds since the epoch."""

    kind: str
    over_at: float
    pid: int = 0


@dataclass
class Monkey:
    """Breaks a fleet by dice; the same seed throws the same dice."""

    fleet: Fleet
    dice: random.Random
    faults: list[Fault] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    _healing: dict[str, tuple[float, Heal]] = field(default_factory=dict)
    _next_kill: float = 0.0
    _next_trouble: float = 0.0

    def act(self) -> None:
        """Does what is due; to be called often."""
        now = time.monotonic()
        for kind, (due, _) in list(self._healing.items()):
            if now >= due:
                self._heal(kind)
        if now >= self._next_kill:
            self._next_kill = now + _KILL_EVERY_S
            self._kill()
        if now >= self._next_trouble:
            self._next_trouble = now + _TROUBLE_EVERY_S * self.dice.uniform(0.5, 1.5)
            self._trouble()

    def heal_all(self) -> None:
        for kind in list(self._healing):
            self._heal(kind)

    def _kill(self) -> None:
        running = [room for room in self.fleet.rooms if room.is_running]
        found = [(room.name, room.pid) for room in running]
        # An edge serves from a process of its own, which may die alone.
        found += [(f"{room.name}'s child", pid) for room in running for pid in children(room.pid)]
        if not found:
            return
        what, pid = self.dice.choice(found)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.kills[what] += 1
            self.faults.append(Fault(what, time.time(), pid))

    def _trouble(self) -> None:
        kind, begin = self.dice.choice(list(self._troubles()))
        if kind in self._healing:
            return
        seconds, heal = begin()
        self.troubles[kind] += 1
        self._healing[kind] = (time.monotonic() + seconds, heal)

    def _heal(self, kind: str) -> None:
        _, heal = self._healing.pop(kind)
        heal()
        self.faults.append(Fault(kind, time.time()))

    def _troubles(self) -> Iterator[tuple[str, Begin]]:
        for kind in ("worker", "core"):
            if rooms := self.fleet.of(kind):
                yield f"{kind} frozen", partial(self._freeze, rooms)
        for name, proxies in self.fleet.links.items():
            yield f"{name} deaf", partial(self._deafen, proxies)
        if self.fleet.postgres and (postgres := self.fleet.postgres.process):
            for how, number in (("fast", signal.SIGINT), ("immediate", signal.SIGQUIT)):
                yield f"database restarted, {how}", partial(self._restart, postgres, number)
        if self.fleet.redis and (redis := self.fleet.redis.process):
            yield "queue restarted", partial(self._restart, redis, signal.SIGKILL)
            yield "queue flushed", self._flush

    def _freeze(self, rooms: Sequence[Room]) -> tuple[float, Heal]:
        room = self.dice.choice(rooms)
        room.send(signal.SIGSTOP)
        return self.dice.uniform(*_FREEZE_S), partial(room.send, signal.SIGCONT)

    def _deafen(self, proxies: Sequence[Proxy]) -> tuple[float, Heal]:
        proxy = self.dice.choice(proxies)
        proxy.swallow()
        return self.dice.uniform(*_DEAF_S), proxy.heal

    def _restart(self, process: Process, number: signal.Signals) -> tuple[float, Heal]:
        process.stop(number)
        return self.dice.uniform(*_AWAY_S), process.start

    def _flush(self) -> tuple[float, Heal]:
        assert self.fleet.redis
        with suppress(redis_client.RedisError):
            redis_client.Redis.from_url(self.fleet.redis.url).flushall()
        return 0.0, lambda: None
