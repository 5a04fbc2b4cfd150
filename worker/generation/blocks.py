"""A spec's text as blocks: headings, paragraphs, list items, table rows, code.

Takes Markdown and plain text, with or without marks for headings.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

from collections.abc import Iterator
from dataclasses import dataclass, replace

from worker.generation.imprint import is_imprint
from worker.generation.lines import (
    AROUND,
    ARTICLE,
    ATX,
    BOLD_LINE,
    CONTENTS,
    DOTTED,
    EASTERN,
    ITALIC_LINE,
    LONGEST_MARKUP,
    NUMBERED,
    RULE,
    UNDERLINE,
    Form,
    Line,
    begins_anew,
    form_of,
    is_entry,
    may_head,
    split_lines,
    stands_apart,
    with_own_lines,
)
from worker.generation.markup import FENCE, plain, unclosed
from worker.generation.nouns import states
from worker.generation.signals import is_demand
from worker.generation.tables import is_table, table
from worker.generation.text import capitalised, one_line, shorten
from worker.generation.words import SMALL


@dataclass(slots=True)
class Block:
    """Lines that belong together: a heading, a paragraph, a list item, a row, code.

    Attributes:
        text: Of a list item only what it names, if it could be a heading of others.
        marked: A heading with marks of Markdown.
        number: Of a heading that has one, such as 2.1.
        level: What stands under a heading is of a higher one than the heading.
    """

    form: Form | None  # None: a heading
    text: str
    start: int
    end: int
    level: int
    number: str = ""
    marked: bool = False


# What is no heading itself is below all marked ones, by its indentation.
_TEXT_LEVEL = 20
_ENTRY_LEVEL = 9
_MARKED_LEVELS = 6
_LABEL_WORDS = 5
_ABBREVIATED = 3
# Of a line of code, no more is of use.
_LONGEST_CODE = 400


def blocks(text: str) -> list[Block]:
    """The text's blocks in order, each with its place. Where all is code, it is read as text."""
    lines = with_own_lines(split_lines(text))
    found = list(_blocks(lines))
    forms = {block.form for block in found}
    if Form.CODE in forms and forms <= {Form.CODE, None}:
        found = list(_blocks([line for line in lines if not FENCE.match(line.text)]))
    if any(block.marked for block in found):
        found = [_below_marked(block) for block in found]
    return list(_with_labels(found))


def _below_marked(block: Block) -> Block:
    """Where headings are marked, one without marks is below them all."""
    if block.form or block.marked:
        return block
    return replace(block, level=_MARKED_LEVELS + block.level)


def _with_labels(found: list[Block]) -> Iterator[Block]:
    """The blocks, with a list item as a heading that only names what is listed below it."""
    for place, block in enumerate(found):
        following = found[place + 1] if place + 1 < len(found) else None
        listed = {block.form, following and following.form} <= {Form.ITEM, Form.STEP}
        if following and listed and following.level > block.level and block.text:
            yield Block(None, block.text, block.start, block.end, block.level)
        else:
            yield block


def _blocks(lines: list[Line]) -> Iterator[Block]:
    at = 0
    while at < len(lines):
        line = lines[at]
        start = line.text[:LONGEST_MARKUP]
        if not line.stripped or RULE.match(start) or CONTENTS.match(start):
            at += 1
        elif FENCE.match(line.text):
            block, at = _code(lines, at)
            yield block
        elif (heading := _heading(lines, at)) is not None:
            block, at = heading
            yield block
        elif is_table(lines, at):
            level = _TEXT_LEVEL + line.indent
            rows, at = table(lines, at)
            yield from (Block(form, told, row.start, row.end, level) for row, form, told in rows)
        else:
            block, at = _paragraph(lines, at)
            yield block


def _code(lines: list[Line], at: int) -> tuple[Block, int]:
    fence = FENCE.match(lines[at].text)
    mark = fence.group(1)[:3] if fence else ""
    end = at + 1
    while end < len(lines) and not lines[end].stripped.startswith(mark):
        end += 1
    inner = lines[at + 1 : end]
    body = one_line(" ".join(line.stripped[:_LONGEST_CODE] for line in inner[:50]))
    last = min(end, len(lines) - 1)
    level = _TEXT_LEVEL + lines[at].indent
    return Block(Form.CODE, body, lines[at].start, lines[last].end, level), end + 1


def _heading(lines: list[Line], at: int) -> tuple[Block, int] | None:
    """The heading that begins at a line, and the line after it."""
    line = lines[at]
    following = lines[at + 1] if at + 1 < len(lines) else None
    if len(line.text) > LONGEST_MARKUP or _names_code(line, following):
        return None
    if atx := ATX.match(line.text):
        name = unclosed(atx.group(2))
        return _heading_block(line, name, len(atx.group(1)), marked=True), at + 1
    if following and (mark := _underline(line, following)):
        return _heading_block(line, line.text, '=-~^"'.index(mark) + 1), at + 2
    if bold := BOLD_LINE.match(line.text):
        return _heading_block(line, bold.group(2), 3), at + 1
    italic = ITALIC_LINE.match(line.text)
    if italic and not is_imprint(italic.group(2)):
        return _heading_block(line, italic.group(2), 4), at + 1
    return _bare_heading(lines, at)


def _bare_heading(lines: list[Line], at: int) -> tuple[Block, int] | None:
    """As `_heading`, of a line without marks."""
    line = lines[at]
    if ARTICLE.match(line.text):
        named = at + 1 < len(lines) and may_head(lines[at + 1])
        return _heading_block(lines[at + named], lines[at + named].text, 3), at + 1 + named
    if eastern := EASTERN.match(line.text):
        level = 4 if line.stripped[0] == "（" else 3
        return _heading_block(line, eastern.group(1), level), at + 1
    if is_entry(lines, at):
        return _heading_block(line, line.text, _ENTRY_LEVEL), at + 1
    if may_head(line) and (DOTTED.match(line.text) or stands_apart(lines, at)):
        numbered = NUMBERED.match(line.text)
        bare = 3 if at else 1  # the first line is the document's title
        level = numbered.group(1).count(".") + 2 if numbered else bare
        return _heading_block(line, line.text, level), at + 1
    return None


def _names_code(line: Line, following: Line | None) -> bool:
    """Whether a line only says what the code below it is, such as "**Example:**"."""
    label = line.stripped.rstrip("*_").endswith(":") and not line.stripped.startswith("#")
    return bool(label and following and following.stripped.startswith("```"))


def _underline(line: Line, following: Line) -> str:
    """The character that a heading is underlined with; empty if it is not."""
    under = UNDERLINE.match(following.text)
    if not under or not may_head(line):
        return ""
    mark = under.group(1)
    return mark[0] if mark[0] in "=-" or len(mark) >= len(line.stripped) else ""


def _heading_block(line: Line, text: str, level: int, *, marked: bool = False) -> Block:
    numbered = NUMBERED.match(text)
    name = _calm(plain(numbered.group(2) if numbered else text).rstrip(".:").strip())
    in_marks = line.text.lstrip().startswith(("**", "__"))
    start = line.start + (0 if in_marks else max(line.text.find(name.partition(" ")[0]), 0))
    told = shorten(AROUND.sub("", name) or name, 120)
    number = numbered.group(1) if numbered else ""
    return Block(None, told, start, line.end, level, number, marked)


def _calm(name: str) -> str:
    """A heading in capitals as one in ordinary letters; short words may be abbreviations."""
    if not name.isupper() or len(name.split()) < 2:  # noqa: PLR2004 - one word is a name
        return name
    told = [
        word if len(word) <= _ABBREVIATED and word.lower() not in SMALL else word.lower()
        for word in name.split()
    ]
    return capitalised(" ".join(told))


def _paragraph(lines: list[Line], at: int) -> tuple[Block, int]:
    """A paragraph, or one list item with the lines that continue it."""
    first = lines[at]
    form, body = form_of(first.text)
    end = at + 1
    while end < len(lines) and lines[end].stripped and not begins_anew(lines, end):
        if form is not Form.PROSE and lines[end].indent < first.indent:
            break
        end += 1
    start = first.start + first.text.find(body)
    name = _label(body) if end == at + 1 and form is not Form.PROSE else ""
    return Block(form, name, start, lines[end - 1].end, _TEXT_LEVEL + first.indent), end


def _label(body: str) -> str:
    """What a list item names, when it is a name rather than a sentence; else empty."""
    name = plain(body[:LONGEST_MARKUP]).rstrip(":").strip()
    is_name = name and name[-1] not in ".!?;,。！？" and ":" not in name
    says = is_demand(name) or states(name)
    return name if is_name and not says and len(name.split()) <= _LABEL_WORDS else ""
