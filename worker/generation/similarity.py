"""When two tickets say the same, and when a text repeats another."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from worker.generation.draft import Span, TicketDraft
from worker.generation.text import folded

_SAME_TITLE = 0.75
_SAME_BODY = 0.5
_SAME_TICKET = 0.85
_AKIN = 0.34
_REPEATS = 0.8
_SHORT_WORD = 3
_PAIR = 2
# Kana, Chinese characters, Thai.
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")


def words(text: str) -> frozenset[str]:
    """A text's longer words and its numbers, without a plural's s; all words if none is longer."""
    found = folded(text).split()
    if _UNSPACED.search(text):
        found = [part for word in found for part in _parts(word)]
    long = {word for word in found if len(word) > _SHORT_WORD or _counts(word)} or set(found)
    return frozenset(word.removesuffix("s") for word in long)


def _counts(word: str) -> bool:
    """Whether a short word says something: a number, or a character of those that are words."""
    return word.isdigit() or (not word.isascii() and bool(_UNSPACED.search(word)))


def _parts(word: str) -> list[str]:
    """A word; pairs of characters where the script has no spaces between words."""
    if len(word) <= _PAIR or not _UNSPACED.search(word):
        return [word]
    return [word[at : at + _PAIR] for at in range(len(word) - 1)]


def is_word(text: str) -> bool:
    """Whether a text is a single word, where the script parts words."""
    return len(folded(text).split()) <= 1 and not _UNSPACED.search(text)


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of common words, 0 to 1."""
    return len(one & other) / len(one | other) if one or other else 0.0


def spoken(ticket: TicketDraft) -> frozenset[str]:
    """All that a ticket says."""
    return words(" ".join([ticket.title, ticket.description, *ticket.criteria]))


@dataclass(frozen=True, slots=True)
class Gist:
    """What of a ticket is compared with others, computed once."""

    is_epic: bool
    title: frozenset[str]
    body: frozenset[str]
    spans: frozenset[Span]


def gist(ticket: TicketDraft) -> Gist:
    """A ticket's gist, as long as the ticket stays as it is."""
    return Gist(
        ticket.kind == "epic",
        words(ticket.title),
        words(" ".join([ticket.description, *ticket.criteria])),
        frozenset(ticket.spans),
    )


def twins(one: Gist, other: Gist) -> bool:
    """Whether two tickets are about the same work.

    The same title alone does not make them so, as "Send an email when an order
    is shipped" and "… is cancelled" differ in one word.
    """
    if one.is_epic != other.is_epic:
        return False
    titles = likeness(one.title, other.title)
    if titles < _AKIN:
        return False
    bodies = likeness(one.body, other.body)
    if bodies >= _SAME_TICKET:
        return True
    shared = one.spans & other.spans
    sources = len(shared) / max(min(len(one.spans), len(other.spans)), 1)
    return titles >= _SAME_TITLE and (bodies >= _SAME_BODY or sources >= _SAME_BODY)


def repeats(text: str, title: str) -> bool:
    """Whether a text says nothing beyond a title."""
    own = words(text)
    return bool(own) and len(own & words(title)) >= _REPEATS * len(own)


def within(text: str, others: Iterable[str]) -> float:
    """The share of a text's words that stand in some of the others, taken one by one."""
    own = words(text)
    return max((len(own & words(other)) / len(own) for other in others if own), default=0.0)
