"""Tables in Markdown: each row as one line of text that its first words name."""

# ruff: noqa: RUF002 - the dash between cells is meant

import re

from worker.generation.lines import Line
from worker.generation.markup import plain
from worker.generation.phrases import CELL_END

_DIVIDER = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
# Of a cell, no more is of use.
_LONGEST_CELL = 400


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
    head = told[0][1] if has_head else []
    body = told[1:] if has_head and len(told) > 1 else told
    rows = [(line, _row(head, cells)) for line, cells in body]
    return [(line, text) for line, text in rows if text], end


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
