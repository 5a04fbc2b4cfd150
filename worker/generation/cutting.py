"""Where a title is cut that says too much: behind a clause or a phrase, and never within one."""

import re

from worker.generation import words
from worker.generation.draft import LONGEST_TITLE
from worker.generation.nouns import PARTICLES, STATES
from worker.generation.text import clipped

LONGEST = 100
# A title that cannot be put shorter has the room that the contract gives.
ROOM = LONGEST_TITLE

# Several things in a row are one phrase: "card, invoice or cash".
_ROW = r"(?:[\w'/-]+(?: [\w'/-]+){0,2}, ){0,5}[\w'/-]+(?: [\w'/-]+){0,2},? (?:and|or) "
TAIL = re.compile(
    r"(?:;|(?<!incl)(?<!excl)(?<!approx)(?<!max)(?<!min)[.!?]\s(?=[A-Z]|(?<=[a-z]{4}..)\w)|\s\(|"
    rf"\s[\u2013\u2014-]\s|,\s(?!{_ROW})|:\s|"
    r"\sbut (?:it|this|that|they|we)\b|"
    r"\s[Ss]o that\s|\sbecause\s|\sin order to\s|\sunless\s|\sso\s).*$"
)
# "Times out" is whole, "a page with" is not.
HANGING = words.SMALL - PARTICLES
_ASKED = frozenset({"where", "what", "who", "how", "which"})
_TIMES = frozenset({"day", "days", "evening", "hour", "hours", "minutes", "month", "night", "week"})


def trimmed(title: str) -> str:
    """A title cut where a clause or a phrase ends, without small words left hanging."""
    short = TAIL.sub("", title)
    told = short if len(short.split()) >= 4 else title  # noqa: PLR2004 - less says too little
    kept = told.rstrip(" ,;:.").split()
    while len(" ".join(kept)) > LONGEST and (shorter := _without_last_phrase(kept)):
        kept = shorter
    is_cut = len(kept) < len(title.split())
    while is_cut and len(kept) > 2 and _hangs(kept):  # noqa: PLR2004 - verb and object stay
        kept.pop()
    return clipped(" ".join(kept), ROOM)


def _hangs(kept: list[str]) -> bool:
    """Whether the last word needs another one, as in "with", but not "where the card is"."""
    last, one = kept[-1].lower(), kept[-2].lower()
    dated = last in {"before", "after"} and one in _TIMES
    placed = last in {"in", "on"} and one in {"is", "are"}
    if dated or placed:
        return False
    asked = last in STATES and not _ASKED.isdisjoint(word.lower() for word in kept)
    return last in HANGING and not asked


def _without_last_phrase(kept: list[str]) -> list[str]:
    """Without what may be missing; nothing when each word is needed, as "twice" is."""
    starts = [place for place, word in enumerate(kept) if word.lower() in words.PHRASE_STARTS]
    return kept[: max((place for place in starts if place > 3), default=0)]  # noqa: PLR2004 - verb and object stay
