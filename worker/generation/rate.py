"""How many tokens a text takes with one model: assumed at first, measured by every call."""

import threading

from worker.generation.text import tokens

# Above what was measured, as texts differ.
_MARGIN = 1.1
# No tokenizer does better on a text than this share of what is assumed.
_LEAST = 0.4
# Shorter prompts say little about the rate, and are never cut.
_TELLING = 400
# A prompt that was cut has lost about half.
_CUT = 0.65
_MOST_CHARACTERS_A_TOKEN = 7.0


class Rate:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lowest: float | None = None
        self._highest: float | None = None
        self._read_whole: dict[str, int] = {}

    def estimate(self, texts: list[str]) -> int:
        """About how many tokens messages take, with what the chat's template adds.

        Rather too many than too few.
        """
        factor = 1.0 if self._highest is None else self._highest * _MARGIN
        return sum(int(tokens(text) * factor) + 8 for text in texts)

    def observe(self, texts: list[str], counted: int | None, server: str = "") -> None:
        """Learns from the server's `prompt_eval_count` for messages that it read whole."""
        assumed = sum(map(tokens, texts))
        if counted is None or assumed < _TELLING:
            return
        found = max(counted / assumed, _LEAST)
        with self._lock:
            self._lowest = min(found, self._lowest or found)
            self._highest = max(found, self._highest or found)
            self._read_whole[server] = max(assumed, self._read_whole.get(server, 0))

    def may_be_cut(self, texts: list[str], counted: int | None, server: str = "") -> bool:
        """Whether the server counts far less than the messages hold.

        It has cut them silently, or it remembers how they begin and counts the rest.
        One that has read longer messages whole does not cut these.
        """
        assumed = sum(map(tokens, texts))
        shortest = max(_TELLING, self._read_whole.get(server, 0) + 1)
        if counted is None or assumed < shortest:
            return False
        fewest = sum(map(len, texts)) / _MOST_CHARACTERS_A_TOKEN
        if self._lowest is not None:
            fewest = max(fewest, assumed * self._lowest * _CUT)
        return counted < fewest
