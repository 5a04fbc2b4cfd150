"""A spec's text as blocks: headings, paragraphs, list items, table rows, code.

Takes Markdown and plain text, with or without marks for headings.
"""
# ruff: noqa: RUF001, RUF002 - the punctuation of other scripts is meant

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from string import whitespace

from worker.generation.phrases import CELL_END, states
from worker.generation.signals import is_imprint, is_strong, is_wish
from worker.generation.text import INVISIBLE, NOTHING, capitalised, one_line, plain, shorten


class Form(StrEnum):
    """How a sentence stands in the spec."""

    PROSE = "prose"
    ITEM = "item"
    STEP = "step"
    ROW = "row"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    start: int
    end: int

    @property
    def stripped(self) -> str:
        return self.text.strip()

    @property
    def indent(self) -> int:
        """In columns."""
        told = self.text[:_LONGEST_MARKUP].expandtabs(4)
        return len(told) - len(told.lstrip())


@dataclass(slots=True)
class Block:
    """Lines that belong together: a heading, a paragraph, a list item, a row, code.

    Attributes:
        text: Of a list item only what it names, if it could be a heading of others.
        level: What stands under a heading is of a higher one than the heading.
    """

    form: Form | None  # None: a heading
    text: str
    start: int
    end: int
    level: int


_ATX = re.compile(r"\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE = re.compile(r"\s{0,3}(=+|-+)\s*$")
_BOLD_LINE = re.compile(r"\s{0,3}(\*\*|__)([^*_]{1,80})\1:?\s*$")
_BULLET = re.compile(r"\s*(?:[-*+•‣◦–·]\s+|[・●○■□◆※]\s*)(?:\[[ xX]\]\s+)?(.*)$")
# An emoji or another symbol before a line sets it apart; a cross is kept, for what it says.
_SYMBOL = r"(?:[\u2190-\u2bff\U0001f000-\U0001faff][\ufe0f\u200d]*)+"
_CROSSED = re.compile(r"\s*[❌❎✖✗✘🚫⛔🛑]\ufe0f?\s*\S")
_SYMBOLED = re.compile(rf"\s*{_SYMBOL}\s+(\S.*)$")
_AROUND = re.compile(rf"^{_SYMBOL}\s+|\s+{_SYMBOL}$")
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
_NUMBERED = re.compile(r"\s{0,3}(?:§\s?)?(\d{1,2}(?:\.\d{1,2})*)[.)]?\s+(\S.*)$")
_DOTTED = re.compile(r"\s{0,3}(?:§\s?\d{1,3}[a-z]?|\d{1,2}(?:\.\d{1,2})+)\.?\s+\S.{0,68}$")
_RULE = re.compile(r"\s*([-*_=]\s*){3,}$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_DIVIDER = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")

# Before a bullet or a heading they would hide it: a byte order mark, orders of direction.
_UNSEEN = re.compile(f"[{INVISIBLE}]*")
# The marks of a quotation; "> 5 s" means more than.
_QUOTING = re.compile(r"^(?:[ \t]{0,8}>)+(?!=| ?\d)", re.MULTILINE)
_CONTENTS = re.compile(r"\s*(?:\[\[?_?toc_?\]?\]|\{:toc\})$", re.IGNORECASE)
_UNTOLD = f"{whitespace}\N{NO-BREAK SPACE}{NOTHING}"

# What is no heading itself is below all marked ones, by its indentation.
_TEXT_LEVEL = 10
_LONGEST_HEADING = 70
_LONGEST_LABEL = 5
_ABBREVIATED = 3
# No heading or rule is longer; patterns are not tried on a megabyte in one line.
_LONGEST_MARKUP = 300
# Of a cell or a line of code, no more is of use.
_LONGEST_CELL = 400


def unquoted(text: str) -> str:
    """The text without the marks of quotations, every character in its place."""
    return _QUOTING.sub(lambda found: NOTHING * len(found[0]), text)


def blocks(text: str) -> list[Block]:
    """The text's blocks in order, each with its place. Where all is code, it is read as text."""
    lines = _lines(text)
    found = list(_blocks(lines))
    if {block.form for block in found} <= {Form.CODE, None}:
        found = list(_blocks([line for line in lines if not _FENCE.match(line.text)]))
    return list(_with_labels(found))


def _with_labels(found: list[Block]) -> Iterator[Block]:
    """The blocks, with a list item as a heading that only names what is listed below it."""
    for place, block in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        listed = {block.form, following and following.form} <= {Form.ITEM, Form.STEP}
        if following and listed and following.level > block.level and block.text:
            yield Block(None, block.text, block.start, block.end, block.level)
        else:
            yield block


def _lines(text: str) -> list[_Line]:
    lines, at = [], 0
    for raw in text.splitlines(keepends=True):
        body = raw.rstrip(_UNTOLD)
        unseen = _UNSEEN.match(body)
        lead = unseen.end() if unseen else 0
        lines.append(_Line(body[lead:], at + lead, at + len(body)))
        at += len(raw)
    return lines


def _blocks(lines: list[_Line]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        line = lines[at]
        start = line.text[:_LONGEST_MARKUP]
        if not line.stripped or _RULE.match(start) or _CONTENTS.match(start):
            at += 1
        elif _FENCE.match(line.text):
            block, at = _code(lines, at)
            yield block
        elif (heading := _heading(lines, at)) is not None:
            block, at = heading
            yield block
        elif _is_table(lines, at):
            rows, at = _table(lines, at)
            yield from rows
        else:
            block, at = _paragraph(lines, at)
            yield block


def _code(lines: list[_Line], at: int) -> tuple[Block, int]:
    fence = _FENCE.match(lines[at].text)
    mark = fence.group(1)[:3] if fence else ""
    end = at + 1
    while end < len(lines) and not lines[end].stripped.startswith(mark):
        end += 1
    inner = lines[at + 1 : end]
    body = one_line(" ".join(line.stripped[:_LONGEST_CELL] for line in inner[:50]))
    last = min(end, len(lines) - 1)
    level = _TEXT_LEVEL + lines[at].indent
    return Block(Form.CODE, body, lines[at].start, lines[last].end, level), end + 1


def _heading(lines: list[_Line], at: int) -> tuple[Block, int] | None:
    """The heading that begins at a line, and the line after it."""
    line = lines[at]
    if len(line.text) > _LONGEST_MARKUP:
        return None
    following = lines[at + 1] if at + 1 < len(lines) else None
    if atx := _ATX.match(line.text):
        return _heading_block(line, atx.group(2), len(atx.group(1))), at + 1
    if following and (under := _UNDERLINE.match(following.text)) and _may_head(line):
        return _heading_block(line, line.text, 1 if under.group(1)[0] == "=" else 2), at + 2
    if bold := _BOLD_LINE.match(line.text):
        return _heading_block(line, bold.group(2), 3), at + 1
    if _may_head(line) and (_DOTTED.match(line.text) or _stands_apart(lines, at)):
        numbered = _NUMBERED.match(line.text)
        bare = 3 if at else 1  # the first line is the document's title
        level = numbered.group(1).count(".") + 2 if numbered else bare
        return _heading_block(line, numbered.group(2) if numbered else line.text, level), at + 1
    return None


def _heading_block(line: _Line, text: str, level: int) -> Block:
    numbered = _NUMBERED.match(text)
    name = _calm(plain(numbered.group(2) if numbered else text).rstrip(":").strip())
    return Block(None, shorten(_AROUND.sub("", name) or name, 120), line.start, line.end, level)


def _calm(name: str) -> str:
    """A heading in capitals as one in ordinary letters; short words may be abbreviations."""
    if not name.isupper() or len(name.split()) < 2:  # noqa: PLR2004 - one word is a name
        return name
    told = [word if len(word) <= _ABBREVIATED else word.lower() for word in name.split()]
    return capitalised(" ".join(told))


def _may_head(line: _Line) -> bool:
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


def _stands_apart(lines: list[_Line], at: int) -> bool:
    """Whether a blank line, or nothing, comes before, and text of another kind after."""
    if at > 0 and lines[at - 1].stripped and not _is_shouted(lines[at]):
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
    titled = own.endswith(":") or own.isupper() or _DOTTED.match(following) is not None
    above_prose = len(following) > _LONGEST_HEADING and len(own.split()) <= 5  # noqa: PLR2004 - a line that wraps is longer
    numbered = _STEP.match(own) and len(own.split()) <= 5 and not following[0].isspace()  # noqa: PLR2004 - a step says more
    return bool(blank_between or listed or titled or above_prose or numbered)


def _is_shouted(line: _Line) -> bool:
    """Whether a line is a heading for being in capitals with a colon, such as "RULES:"."""
    return line.stripped.isupper() and line.stripped[-1] == ":" and _may_head(line)


def _is_table(lines: list[_Line], at: int) -> bool:
    if lines[at].text.count("|") < 1:
        return False
    nearby = lines[at + 1 : at + 2]
    return lines[at].stripped.startswith("|") or any(
        _DIVIDER.match(line.stripped) and "|" in line.text for line in nearby
    )


def _table(lines: list[_Line], at: int) -> tuple[list[Block], int]:
    """A block per row, its cells named by the table's head when it has one."""
    end = at
    while end < len(lines) and "|" in lines[end].text:
        end += 1
    rows = [
        (line, _cells(line.text)) for line in lines[at:end] if not _DIVIDER.match(line.stripped)
    ]
    has_head = bool(rows) and end - at > 1 and bool(_DIVIDER.match(lines[at + 1].stripped))
    head = rows[0][1] if has_head else []
    body = rows[1:] if has_head and len(rows) > 1 else rows
    level = _TEXT_LEVEL + lines[at].indent
    blocks = [
        Block(Form.ROW, _row(head, cells), line.start, line.end, level) for line, cells in body
    ]
    return [block for block in blocks if block.text], end


def _cells(text: str) -> list[str]:
    return [plain(cell[:_LONGEST_CELL]) for cell in text.strip().strip("|").split("|")]


def _row(head: list[str], cells: list[str]) -> str:
    """`Gold – Limit: 50 EUR; Wait: 2 days`: the first cell with a word names the row."""
    told = [place for place, cell in enumerate(cells) if cell]
    naming = next((at for at in told if any(map(str.isalpha, cells[at]))), told[0] if told else 0)
    if not told:
        return ""
    rest = [
        f"{head[at]}: {cells[at]}" if at < len(head) and head[at] else cells[at]
        for at in told
        if at != naming
    ]
    return cells[naming] + (CELL_END + "; ".join(rest) if rest else "")


def _paragraph(lines: list[_Line], at: int) -> tuple[Block, int]:
    """A paragraph, or one list item with the lines that continue it."""
    first = lines[at]
    form, body = _form(first.text)
    end = at + 1
    while end < len(lines) and lines[end].stripped and not _begins_anew(lines, end):
        if form is not Form.PROSE and lines[end].indent < first.indent:
            break
        end += 1
    start = first.start + first.text.find(body)
    name = _label(body) if end == at + 1 and form is not Form.PROSE else ""
    return Block(form, name, start, lines[end - 1].end, _TEXT_LEVEL + first.indent), end


def _label(body: str) -> str:
    """What a list item names, when it is a name rather than a sentence; else empty."""
    name = plain(body[:_LONGEST_MARKUP]).rstrip(":").strip()
    is_name = name and name[-1] not in ".!?;,。！？" and ":" not in name
    says = is_wish(name) or is_strong(name) or states(name)
    return name if is_name and not says and len(name.split()) <= _LONGEST_LABEL else ""


def _form(text: str) -> tuple[Form, str]:
    if bullet := _BULLET.match(text):
        return Form.ITEM, bullet.group(1)
    if step := _STEP.match(text):
        return Form.STEP, step.group(1)
    if _CROSSED.match(text) or _IDENTIFIED.match(text):
        return Form.ITEM, text.strip()
    if apart := _SYMBOLED.match(text) or _SAID.match(text):
        return Form.ITEM, apart.group(1)
    return Form.PROSE, text.strip()


def _begins_anew(lines: list[_Line], at: int) -> bool:
    text = lines[at].text[:_LONGEST_MARKUP]
    return bool(
        _BULLET.match(text)
        or _STEP.match(text)
        or _CROSSED.match(text)
        or _SYMBOLED.match(text)
        or _SAID.match(text)
        or _IDENTIFIED.match(text)
        or _is_shouted(lines[at])
        or _ATX.match(text)
        or _FENCE.match(text)
        or _BOLD_LINE.match(text)
        or (_DOTTED.match(text) and _may_head(lines[at]))
        or text.lstrip().startswith("|")
    )
