"""How long the tickets are that a model writes: as asked for at first, then as its answers show."""

import threading

from worker.ollama import Reply

# Above what was measured, as tickets differ.
_MARGIN = 1.1
# What seems longer than that is a text that does not end.
_MOST = 4
_BEGUN = '"title"'


class Lengths:
    """Of one job. Safe to share between threads.

    Args:
        asked: Tokens that a ticket is to take.
    """

    def __init__(self, asked: int) -> None:
        self._most = asked * _MOST
        self._lock = threading.Lock()
        self.tokens = asked

    def observe(self, reply: Reply) -> None:
        """Learns from an answer, also from one that was cut off."""
        begun = reply.text.count(_BEGUN)
        if begun and reply.completion_tokens and not reply.thoughts:
            found = min(round(reply.completion_tokens / begun * _MARGIN), self._most)
            with self._lock:
                self.tokens = max(self.tokens, found)
