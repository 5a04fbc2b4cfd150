"""Notices an answer that will never end well, while it is being written."""

# Longer than any string that a prompt of ours asks for.
_WINDOW = 1000
_LONGEST_PERIOD = 200
_WHITESPACE = 300
_EVERY = 200


class Watchdog:
    """Is shown the growing answer; looks at its end from time to time."""

    def __init__(self) -> None:
        self._tail = ""
        self._unseen = 0

    def is_stuck(self, added: str) -> bool:
        """Whether the answer has run into endless whitespace or into a loop."""
        self._tail = (self._tail + added)[-_WINDOW:]
        self._unseen += len(added)
        if self._unseen < _EVERY:
            return False
        self._unseen = 0
        return _ends_blank(self._tail) or _loops(self._tail)


def _ends_blank(tail: str) -> bool:
    return len(tail) >= _WHITESPACE and not tail[-_WHITESPACE:].strip()


def _loops(tail: str) -> bool:
    """Whether the window holds one short text over and over, within one string.

    With a quote in it the loop spans whole values, of which a schema or the
    token budget allows only so many.
    """
    if len(tail) < _WINDOW or '"' in tail:
        return False
    period = tail.find(tail[:_LONGEST_PERIOD], 1)
    return 0 < period <= _LONGEST_PERIOD and tail[period:] == tail[:-period]
