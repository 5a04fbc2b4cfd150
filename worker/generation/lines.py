"""Lines of a spec, and what their marks make of them: headings, items, steps.

Says nothing about what a line means.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from dataclasses import dataclass
from enum import StrEnum
from string import whitespace

from worker.generation.markup import plain
from worker.generation.signals import is_imprint
from worker.generation.text import INVISIBLE, NOTHING


class Form(StrEnum):
    """How a sentence stands in the spec."""

    PROSE = "prose"
    ITEM = "item"
    STEP = "step"
    ROW = "row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, with its place in the text."""

    text: str
    start: int
    end: int

    @property
    def stripped(self) -> str:
        return self.text.strip()

    @property
    def indent(self) -> int:
        """In columns."""
        told = self.text[:LONGEST_MARKUP].expandtabs(4)
        return len(told) - len(told.lstrip())


ATX = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
UNDERLINE = re.compile(r"\s{0,3}(=+|-+)\s*$")
BOLD_LINE = re.compile(r"\s{0,3}(\*\*|__)([^*_]{1,80})\1:?\s*$")
_BULLET = re.compile(r"\s*(?:[-*+•‣◦–·]\s+|[・●○■□◆※]\s*)(?:\[[ xX]\]\s+)?(.*)$")
# An emoji or another symbol before a line sets it apart; a cross is kept, for what it says.
_SYMBOL = r"(?:[\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d]*)+"
_CROSSED = re.compile(r"\s*[❌❎✖✗✘🚫⛔🛑]\ufe0f?\s*\S")
_SYMBOLED = re.compile(rf"\s*{_SYMBOL}\s+(\S.*)$")
AROUND = re.compile(rf"^{_SYMBOL}\s+|\s+{_SYMBOL}$")
# "[09:12] Maria: …" in the log of a chat.
_SAID = re.compile(
    r"\s*\[?(?:\d{1,4}[-./]\d{1,2}[-./]\d{1,4},?[ T])?\d{1,2}:\d{2}(?::\d{2})?(?:\s?[AaPp][Mm])?\]?"
    r"\s*(?:[-–]\s+)?<?[^\s\d:<>][^:<>]{0,30}(?::|>)\s+(\S.*)$"
)
_STEP = re.compile(r"\s*(?:\d{1,3}[.)]|[a-z][.)]|\(\d{1,3}\))\s+(.*)$")
# "FR-12 The system shall …"
_IDENTIFIED = re.compile(
    r"\s*(\[?(?:N?FR|NF|REQ|US|UC|AC|BR|TR|SR|UR|SYS)[-_. ]?\d[\d.]{0,8}\]?[:.)]?\s+\S.*)$"
)
NUMBERED = re.compile(r"\s{0,3}(?:§\s?)?(\d{1,2}(?:\.\d{1,2})*)[.)]?\s+(\S.*)$")
DOTTED = re.compile(r"\s{0,3}(?:§\s?\d{1,3}[a-z]?|\d{1,2}(?:\.\d{1,2})+)\.?\s+\S.{0,68}$")
RULE = re.compile(r"\s*([-*_=]\s*){3,}$")
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
CONTENTS = re.compile(r"\s*(?:\[\[?_?toc_?\]?\]|\{:toc\})$", re.IGNORECASE)

# Before a bullet or a heading they would hide it: a byte order mark, orders of direction.
_UNSEEN = re.compile(f"[{INVISIBLE}]*")
# The marks of a quotation; "> 5 s" means more than.
_QUOTING = re.compile(r"^(?:[ \t]{0,8}>)+(?!=| ?\d)", re.MULTILINE)
_UNTOLD = f"{whitespace}\N{NO-BREAK SPACE}{NOTHING}"

_LONGEST_HEADING = 70
# No heading or rule is longer; patterns are not tried on a megabyte in one line.
LONGEST_MARKUP = 300


def unquoted(text: str) -> str:
    """The text without the marks of quotations, every character in its place."""
    return _QUOTING.sub(lambda found: NOTHING * len(found[0]), text)


def split_lines(text: str) -> list[Line]:
    """The text's lines, without what nobody sees before and behind their words."""
    lines, at = [], 0
    for raw in text.splitlines(keepends=True):
        body = raw.rstrip(_UNTOLD)
        unseen = _UNSEEN.match(body)
        lead = unseen.end() if unseen else 0
        lines.append(Line(body[lead:], at + lead, at + len(body)))
        at += len(raw)
    return lines


def may_head(line: Line) -> bool:
    """Whether a bare line reads as a heading: short, and not a sentence or an item."""
    text = line.stripped
    return (
        0 < len(text) <= _LONGEST_HEADING
        and text[-1] not in ".!?;,。！？"
        and not is_imprint(plain(text))
        and not _BULLET.match(line.text)
        and not _SAID.match(line.text)
        and not _IDENTIFIED.match(line.text)
        and "|" not in text
        and any(letter.isalpha() for letter in text)
        and not text[0].islower()
        and len(text.split()) <= (4 if text.endswith(":") else 9)
    )


def stands_apart(lines: list[Line], at: int) -> bool:
    """Whether a blank line, or nothing, comes before, and text of another kind after."""
    if at > 0 and lines[at - 1].stripped and not is_shouted(lines[at]):
        return False
    after = [line for line in lines[at + 1 : at + 3] if line.stripped]
    if not after:
        return False
    blank_between = not lines[at + 1].stripped
    following = after[0].text
    if _STEP.match(lines[at].text) and _STEP.match(following):
        return False  # a numbered list, spaced out
    listed = _BULLET.match(following) or _STEP.match(following) or "|" in following
    own = lines[at].stripped
    titled = own.endswith(":") or own.isupper() or DOTTED.match(following) is not None
    above_prose = len(following) > _LONGEST_HEADING and len(own.split()) <= 5  # noqa: PLR2004 - a line that wraps is longer
    numbered = _STEP.match(own) and len(own.split()) <= 5 and not following[0].isspace()  # noqa: PLR2004 - a step says more
    return bool(blank_between or listed or titled or above_prose or numbered)


def is_shouted(line: Line) -> bool:
    """Whether a line is a heading for being in capitals with a colon, such as "RULES:"."""
    return line.stripped.isupper() and line.stripped[-1] == ":" and may_head(line)


def form_of(text: str) -> tuple[Form, str]:
    """How a line stands that is neither heading, row nor code, and its words."""
    if bullet := _BULLET.match(text):
        return Form.ITEM, bullet.group(1)
    if step := _STEP.match(text):
        return Form.STEP, step.group(1)
    if _CROSSED.match(text) or _IDENTIFIED.match(text):
        return Form.ITEM, text.strip()
    if apart := _SYMBOLED.match(text) or _SAID.match(text):
        return Form.ITEM, apart.group(1)
    return Form.PROSE, text.strip()


def begins_anew(lines: list[Line], at: int) -> bool:
    """Whether a line does not continue the one before it."""
    text = lines[at].text[:LONGEST_MARKUP]
    return bool(
        _BULLET.match(text)
        or _STEP.match(text)
        or _CROSSED.match(text)
        or _SYMBOLED.match(text)
        or _SAID.match(text)
        or _IDENTIFIED.match(text)
        or is_shouted(lines[at])
        or ATX.match(text)
        or FENCE.match(text)
        or BOLD_LINE.match(text)
        or (DOTTED.match(text) and may_head(lines[at]))
        or text.lstrip().startswith("|")
    )
