"""Whether core can do its work: whether the database answers, and takes what is written."""

import logging
from collections.abc import Callable

from core.database import (
    STORAGE_FAULTS,
    brief,
    database,
    faults,
    forget_connection,
    renew_connection,
)
from core.presence import record_core

log = logging.getLogger(__name__)


class Readiness:
    """Tells whenever it changes; `probe` is to be called every second.

    Reading is enough while nothing has failed. After a fault only a write that
    succeeds shows that all is well: a full disk and a database that has become
    read-only can still be read.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._ready: bool | None = None
        self._proven_at = -1

    def probe(self) -> None:
        known = faults()
        renew_connection()
        try:
            if known == self._proven_at:
                database.execute_sql("SELECT 1 FROM clients LIMIT 1")
            else:
                record_core()
        except STORAGE_FAULTS as fault:
            forget_connection()
            self._set(False, f"away: {brief(fault)}")
        else:
            self._proven_at = known
            self._set(True, "there")

    def _set(self, ready: bool, why: str) -> None:
        if ready is not self._ready:
            self._ready = ready
            self._tell(ready)
            log.info("the database is %s", why)
