"""Tables in Markdown: each row as one line of text that its first words name."""

# ruff: noqa: RUF001, RUF002 - the dash between cells is meant

import re

from worker.generation import identifiers
from worker.generation.lines import Line
from worker.generation.markup import plain
from worker.generation.phrases import CELL_END

_DIVIDER = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
# Of a cell, no more is of use.
_LONGEST_CELL = 400
# A shorter one says nothing without the head of its column.
_SHORTEST_NAME = 2
_NOTHING_TOLD = frozenset({"-", "--", "–", "—", "n/a", "N/A"})


def is_table(lines: list[Line], at: int) -> bool:
    """Whether a table begins at a line."""
    if lines[at].text.count("|") < 1:
        return False
    nearby = lines[at + 1 : at + 2]
    return lines[at].stripped.startswith("|") or any(
        _DIVIDER.match(line.stripped) and "|" in line.text for line in nearby
    )


def table(lines: list[Line], at: int) -> tuple[list[tuple[Line, str]], int]:
    """The rows that have words, their cells named by the table's head when it has one.

    Returns:
        Each row's line and text, and the line after the table.
    """
    end = at
    while end < len(lines) and "|" in lines[end].text:
        end += 1
    told = [
        (line, _cells(line.text)) for line in lines[at:end] if not _DIVIDER.match(line.stripped)
    ]
    has_head = bool(told) and end - at > 1 and bool(_DIVIDER.match(lines[at + 1].stripped))
    has_head = has_head or lines[at].stripped.startswith("||")
    head = told[0][1] if has_head else []
    body = told[1:] if has_head and len(told) > 1 else told
    rows = [(line, _row(head, cells)) for line, cells in body]
    return [(line, text) for line, text in rows if text], end


def _cells(text: str) -> list[str]:
    told = text.strip()
    told = told.replace("||", "|") if told.startswith("||") else told
    return [_cell(cell) for cell in told.strip("|").split("|")]


def _cell(text: str) -> str:
    """What a cell says; empty for a dash that stands for nothing."""
    told = plain(text[:_LONGEST_CELL])
    return "" if told in _NOTHING_TOLD else told


def _row(head: list[str], cells: list[str]) -> str:
    """`Gold – Limit: 50 EUR; Wait: 2 days`: the first cell with a word names the row."""
    told = [place for place, cell in enumerate(cells) if cell]
    if not told:
        return ""
    named = [at for at in told if any(map(str.isalpha, cells[at]))]
    spoken = [at for at in named if not identifiers.is_one(cells[at])]
    naming = (spoken or named or told)[0]
    rest = [
        f"{head[at]}: {cells[at]}" if at < len(head) and head[at] else cells[at]
        for at in told
        if at != naming
    ]
    name = cells[naming]
    if len(name) <= _SHORTEST_NAME and naming < len(head) and head[naming]:
        name = f"{head[naming]} {name}"
    return name + (CELL_END + "; ".join(rest) if rest else "")
