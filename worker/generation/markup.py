"""Markdown taken out of text: of a spec's sentences, and of what a model writes in its JSON."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from worker.generation.text import clean, one_line

# Tags stand in a spec for placeholders or for themselves: "<name>".
_MARKDOWN = MarkdownIt("commonmark").enable("strikethrough").disable("html_inline")
# Without one of these a text has no Markdown in it that could be taken out.
_MARKS = re.compile(r"[*_`~\[\]\\&<]")
# The Markdown of what is longer or has more brackets is left as it is: it would take too long.
_LONGEST = 10_000
_BRACKETS = 60
# A link whose target stands elsewhere.
_REFERENCE = re.compile(r"\[([^\[\]]{1,400})\]\[[^\[\]]{0,200}\]")
# Emphasis beside punctuation, which CommonMark takes for asterisks: "**Name:**all of it".
_BOLD = re.compile(r"(?<![A-Za-z0-9*])\*\*(?=[^\s*])([^*]{1,400})(?<=\S)\*\*(?!\*)")
# Half of a pair whose other half stands in another sentence.
_HALF = re.compile(r"^(?:\*\*|__|~~)(?=[^\W_a-z])|(?<=[^\s*_~])(?:\*\*|__|~~)$")

# What makes a line a heading, an item, a task or a quotation, several of them perhaps.
_LEADING = re.compile(
    r"\s*(?:#{1,6}\s+|>(?! ?\d)\s?|[-*+•]\s+(?:\[[ xX]\]\s+)?|\[[ xX]\]\s+|\d{1,3}[.)]\s+)+"
)
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*)$")
# The marks that close a heading stand apart: "C#" is a word.
_CLOSING = re.compile(r"(?:^|\s)#+\s*$")
_ITEM = re.compile(r"^(\s*)[-*+•]\s+(?:\[[ xX]\]\s+)?(.*)$")
FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_BLANK_LINES = re.compile(r"\n{3,}")


def plain(text: str) -> str:
    """One line without Markdown's emphasis, code marks, escapes and link targets."""
    line = one_line(text)
    if not _MARKS.search(line) or len(line) > _LONGEST or line.count("[") > _BRACKETS:
        return line
    told = _MARKDOWN.parseInline(_REFERENCE.sub(r"\1", line))[0].children or []
    return _HALF.sub("", one_line("".join(map(_content, told))))


def _content(token: Token) -> str:
    if token.type == "text":
        return _BOLD.sub(r"\1", token.content)
    return " " if token.type in {"softbreak", "hardbreak"} else token.content


def unmarked(text: str) -> str:
    """As `plain`, without the marks of headings, list items, boxes and quotations before it."""
    line = one_line(text)
    leading = _LEADING.match(line)
    return plain(line[leading.end() :]) if leading and leading.end() < len(line) else plain(line)


def paragraphs(text: str) -> str:
    """Lines without Markdown but for lists, whose items all begin with a dash; code as it is."""
    told: list[str] = []
    fence = ""
    for line in clean(text).split("\n"):
        if fence or (found := FENCE.match(line)) is None:
            closes = fence and line.strip().startswith(fence)
            told += [] if closes else [line.rstrip() if fence else _line(line)]
            fence = "" if closes else fence
        else:
            fence = found.group(1)
    return _BLANK_LINES.sub("\n\n", "\n".join(told)).strip()


def unclosed(heading: str) -> str:
    """A heading's words, without the marks that close it."""
    return _CLOSING.sub("", heading)


def _line(line: str) -> str:
    if heading := _HEADING.match(line):
        return plain(unclosed(heading.group(1)))
    if item := _ITEM.match(line):
        return f"{item.group(1)}- {plain(item.group(2))}"
    return plain(line)
