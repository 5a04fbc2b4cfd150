"""What a model thinks before it answers: how many tokens that takes, and the room it is given.

Some think whatever they are told, about as long for a short answer as for a long one. What is
too short for their thoughts and the answer is so for a part of the answer, too.
"""

import threading
from dataclasses import dataclass, field

from worker.generation.answer import thoughts_in
from worker.ollama import Reply

# Thoughts differ from call to call.
_SPARE = 2
_CHARACTERS_A_TOKEN = 4


@dataclass(slots=True)
class Thoughts:
    """Of one job's model. Safe to share between threads.

    Attributes:
        room: How many tokens a call gives them beyond its answer.
        spent: How many they have taken in all.
    """

    room: int = 0
    spent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, reply: Reply) -> float:
        """Learns from a reply; returns which share of it is thoughts."""
        whole = reply.thoughts + len(reply.text)
        share = (reply.thoughts + thoughts_in(reply.text)) / (whole or 1)
        counted = reply.completion_tokens or whole // _CHARACTERS_A_TOKEN
        with self._lock:
            self.spent += round(counted * share)
            self.room = max(self.room, round(_SPARE * counted * share))
        return share
