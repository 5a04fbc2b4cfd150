"""A spec in HTML as the Markdown that it stands for, every character in its place."""

import re
from html import unescape

from worker.generation.text import NOTHING

# A text is HTML when it begins so; elsewhere a tag may be what the spec speaks of.
_BEGINS = re.compile(
    r"\s*<(?:!doctype html|html|head|body|main|article|section|header|div|h[1-6]|p|[uo]l|table)\b",
    re.IGNORECASE,
)
# With attributes of a bounded length, so that a "<" without an end is not read on for ever.
_TAG = re.compile(
    r"<(/?)([a-z][a-z0-9]{0,14})(?:\s[^<>]{0,2000})?/?>|<![^<>]{0,2000}>", re.IGNORECASE
)
# What is no part of the text of a page.
_UNTOLD = re.compile(r"<(script|style|title)\b[^<>]*>[^<]*</\1\s*>", re.IGNORECASE)
_COMMENT = re.compile(r"<!--[^<]*?-->")
# Behind the head of a table stands the line that Markdown has there.
_HEAD_ENDS = re.compile(r"</th\s*>\s*</tr\s*>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8});", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])")
_CELLS = frozenset({"td", "th"})
# Tags that only shape letters: text goes on beside them as if they were not there.
_INLINE = re.compile(
    r"a|abbr|b|big|cite|code|del|dfn|em|font|i|img|ins|kbd|label|mark|q|s|samp|small|span|strike|"
    r"strong|su[bp]|time|tt|u|var|wbr"
)


def is_html(text: str) -> bool:
    """Whether a text is HTML as a whole."""
    return bool(_BEGINS.match(text))


def without_comments(text: str) -> str:
    """The text without comments, which Markdown may have too."""
    return _COMMENT.sub(lambda found: _padded("", found), text)


def as_markdown(text: str) -> str:
    """HTML as Markdown of its length."""
    told = _UNTOLD.sub(lambda found: _padded("\n", found), text)
    told = _HEAD_ENDS.sub(lambda found: _padded("\n|--|", found), told)
    return _ENTITY.sub(_character, _TAG.sub(_mark, told))


def _mark(found: re.Match[str]) -> str:
    """What a tag is in Markdown; nothing where it only shapes letters."""
    closes, name = found[1], (found[2] or "").lower()
    if not name or _INLINE.fullmatch(name):
        return _padded("", found)
    if closes:
        return _padded("" if name in _CELLS else "\n", found)
    if heading := _HEADING.fullmatch(name):
        room = len(found[0]) - 2
        return _padded(f"\n{'#' * min(int(heading[1]), room)} ", found)
    if name in _CELLS:
        return _padded(" | ", found)
    return _padded("\n- " if name == "li" else "\n", found)


def _character(found: re.Match[str]) -> str:
    said = unescape(found[0])
    return _padded(said, found) if len(said) == 1 else found[0]


def _padded(mark: str, found: re.Match[str]) -> str:
    return NOTHING * (len(found[0]) - len(mark)) + mark
