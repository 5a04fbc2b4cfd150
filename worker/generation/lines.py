"""Lines of a spec, and what their marks make of them: headings, items, steps.

Says nothing about what a line means.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from dataclasses import dataclass
from enum import StrEnum
from string import whitespace

from worker.generation import identifiers
from worker.generation.imprint import MAIL_FIELD, is_imprint
from worker.generation.markup import FENCE, plain
from worker.generation.text import INVISIBLE, NOTHING
from worker.generation.topics import GENERIC, Topic, topic


class Form(StrEnum):
    """How a sentence stands in the spec."""

    PROSE = "prose"
    ITEM = "item"
    STEP = "step"
    ROW = "row"
    SCENARIO = "scenario"  # a row that reads as a sentence
    CODE = "code"
    DONE = "done"  # an item that is ticked off or struck out


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


# "## Rooms"
ATX = re.compile(r"\s{0,3}(#{1,6})\s+(.*)$")
# The last three only as long as their heading, as a fence may be of them too.
UNDERLINE = re.compile(r"\s{0,3}(=+|-+|~{4,}|\^{4,}|\"{4,})\s*$")
# "**Rooms:**", and nothing else in the line.
BOLD_LINE = re.compile(r"\s{0,3}(\*\*|__)([^*_]{1,80})\1:?\s*$")
# "_Rooms_", but no sentence.
ITALIC_LINE = re.compile(r"\s{0,3}([*_])(?![*_\s])([^*_.!?]{1,80})\1:?\s*$")
# Bullets, also of word processors and of Japanese; an empty box is part of one.
_BULLET = re.compile(r"\s*(?:[-*+•‣◦–·]\s+|[・●○■□◆※]\s*)(?:\[ \]\s+)?(.*)$")
# Behind the bullet: "[x] Rooms", "~~Rooms~~".
_DONE = re.compile(r"(?:\[[xX]\]\s+|(?=~~[^~]{1,200}~~))(.*)$")
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
# A numbered item: "1. Set up", "b) Set up", "(3) Set up".
_STEP = re.compile(r"\s*(?:\d{1,3}[.)]|[a-z][.)]|\(\d{1,3}\))\s+(.*)$")
# "2.1 The server must …": a clause, where it is too long for a heading.
_CLAUSE = re.compile(r"\s{0,3}\d{1,2}(?:\.\d{1,2}){1,3}[.)]?\s+([^\W\d_].*)$")
# "FR-12 The system shall …"
_IDENTIFIED = re.compile(rf"\s*({identifiers.MARK}\s+\S.*)$")
# "Priority: high" on a line of its own.
_FIELD = re.compile(
    rf"\s{{0,3}}(?!{MAIL_FIELD}:)(?:(\*\*|__|\*|_)[^*_:]{{1,40}}(?::\1|\1:)(?=\s|$)|"
    r"[^\W\d_a-z][\w /-]{1,24}:(?:\s+\S|$))"
)
# A heading of any depth: "2 Rooms", "2.1 Rooms".
NUMBERED = re.compile(r"\s{0,3}(?:§\s?)?(\d{1,2}(?:\.\d{1,2})*)[.)]?\s+(\S.*)$")
# "2.1 Rooms", "§ 5 Rooms": short, and too deep to be a step of a list.
DOTTED = re.compile(r"\s{0,3}(?:§\s?\d{1,3}[a-z]?|\d{1,2}(?:\.\d{1,2})+)\.?\s+\S.{0,68}$")
# "Article 5" of a law, on a line of its own.
ARTICLE = re.compile(
    r"\s{0,3}(?:article|artikel|art[íi]culo|artigo|articolo|section|clause|chapter|annex)\s"
    r"(?:\d{1,3}|[ivxlc]{1,6})[a-z]?[.:]?\s*$",
    re.IGNORECASE,
)
# Chapters that are numbered as in China and Japan.
EASTERN = re.compile(
    r"\s{0,3}(?:[一二三四五六七八九十]{1,3}、|（[一二三四五六七八九十]{1,3}）|"
    r"第[一二三四五六七八九十\d]{1,3}[章节節部])\s*([^。；，：:？]{1,25})$"
)
# "**Consent.** You may withdraw it": a heading with its text on one line.
_RUN_IN = re.compile(r"(\s{0,3}\*\*[^*\n]{2,60}\.\*\*)[ \t]+(?=\S)")
# "---", "* * *"
RULE = re.compile(r"\s*([-*_=]\s*){3,}$")
# A table of contents, and its lines: with dots up to the page, or linked to their heading.
CONTENTS = re.compile(
    r"\s*(?:\[\[?_?toc_?\]?\]|\{:toc\}|\S.{0,120}?(?:\.{4,}|(?: \.){4,}|…{2,})\s*\d{1,4}|"
    r"(?:[-*+]|\d{1,2}[.)])\s+\[[^\]\n]{1,120}\]\(#[^)\s]{0,120}\))$",
    re.IGNORECASE,
)

# Before a bullet or a heading they would hide it: a byte order mark, orders of direction.
_UNSEEN = re.compile(f"[{INVISIBLE}]*")
# The marks of a quotation; "> 5 s" means more than.
_QUOTING = re.compile(r"^(?:[ \t]{0,8}>)+(?!=| ?\d(?!\d?[.)] ))", re.MULTILINE)
_UNTOLD = f"{whitespace}\N{NO-BREAK SPACE}{NOTHING}"

_LONGEST_HEADING = 70
_LONGEST_ENTRY = 120
_FEWEST_RUN_IN = 2
# A line that is shorter is not followed by the rest of its sentence.
_WRAPPED = 60
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


def with_own_lines(lines: list[Line]) -> list[Line]:
    """The lines, with headings that run in to their text apart from it, where several do."""
    heads = {
        at: found
        for at, line in enumerate(lines)
        if (found := _RUN_IN.match(line.text[:LONGEST_MARKUP])) and _is_free(lines, at)
    }
    if len(heads) < _FEWEST_RUN_IN:
        return lines
    told: list[Line] = []
    for at, line in enumerate(lines):
        if found := heads.get(at):
            told.append(Line(found[1], line.start, line.start + found.end(1)))
            rest = line.start + found.end()
            told.append(Line(line.text[found.end() :], rest, line.end))
        else:
            told.append(line)
    return told


def _is_free(lines: list[Line], at: int) -> bool:
    return at == 0 or not lines[at - 1].stripped


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
    known = GENERIC.fullmatch(own) or topic(own, ()) is not Topic.WORK
    titled = own.endswith(":") or own.isupper() or known or DOTTED.match(following) is not None
    above_prose = len(following) > _LONGEST_HEADING and len(own.split()) <= 5  # noqa: PLR2004 - a line that wraps is longer
    # A sentence that is wrapped fills its line.
    above_sentence = (
        len(own.split()) <= 3  # noqa: PLR2004 - so few do not
        and following[0].isupper()
        and following[-1] in ".!?"
        and len(following) > 2 * len(own)
    )
    numbered = _STEP.match(own) and len(own.split()) <= 5 and not following[0].isspace()  # noqa: PLR2004 - a step says more
    said = above_prose or above_sentence
    return bool(blank_between or listed or titled or said or numbered)


def is_shouted(line: Line) -> bool:
    """Whether a line is a heading for being in capitals with a colon, such as "RULES:"."""
    return line.stripped.isupper() and line.stripped[-1] == ":" and may_head(line)


def is_field(lines: list[Line], at: int) -> bool:
    """Whether a line begins with a label, and is no part of a sentence that is wrapped."""
    before = lines[at - 1].text if at else ""
    wraps = len(before) >= _WRAPPED and before.rstrip()[-1:] not in {*".!?:;"}
    return bool(_FIELD.match(lines[at].text[:LONGEST_MARKUP])) and not wraps


def _follows_field(lines: list[Line], at: int) -> bool:
    """Whether a line stands below the fields of a ticket or a document and is none of them."""
    before = lines[at - 1].stripped if at else ""
    ends = 0 < len(before) < _WRAPPED and before[-1] not in ",;:"
    return (
        ends and lines[at].stripped[:1].isupper() and is_field(lines, at - 1) and is_imprint(before)
    )


def is_entry(lines: list[Line], at: int) -> bool:
    """Whether a line names what the fields below it are about: "[SHOP-7] Pay by card"."""
    text = lines[at].stripped
    named = len(text) <= _LONGEST_ENTRY and text[-1:] not in {*".!?;,:"}
    apart = at == 0 or not lines[at - 1].stripped
    fields = at + 1 < len(lines) and is_field(lines, at + 1)
    return bool(named and apart and fields and _IDENTIFIED.match(text))


def form_of(text: str) -> tuple[Form, str]:
    """How a line stands that is neither heading, row nor code, and its words."""
    if bullet := _BULLET.match(text):
        done = _DONE.match(bullet.group(1))
        return (Form.DONE, done.group(1)) if done else (Form.ITEM, bullet.group(1))
    if step := _STEP.match(text):
        # Letters tell things apart, numbers may also tell what comes first.
        return Form.ITEM if text.lstrip()[0].isalpha() else Form.STEP, step.group(1)
    if clause := _CLAUSE.match(text):
        return Form.ITEM, clause.group(1)
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
        or _CLAUSE.match(text)
        or is_field(lines, at)
        or _follows_field(lines, at)
        or _CROSSED.match(text)
        or _SYMBOLED.match(text)
        or _SAID.match(text)
        or _IDENTIFIED.match(text)
        or is_shouted(lines[at])
        or ATX.match(text)
        or FENCE.match(text)
        or RULE.match(text)
        or BOLD_LINE.match(text)
        or ITALIC_LINE.match(text)
        or ARTICLE.match(text)
        or EASTERN.match(text)
        or (DOTTED.match(text) and may_head(lines[at]))
        or text.lstrip().startswith("|")
    )
