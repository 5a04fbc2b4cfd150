"""Tables in Markdown: each row as one line of text that its first words name."""

# ruff: noqa: RUF001, RUF002 - the dash between cells is meant

import re

from worker.generation import identifiers
from worker.generation.lines import Form, Line
from worker.generation.markup import plain
from worker.generation.text import capitalised

# Between the name of a table's row and its other cells.
CELL_END = " \N{EN DASH} "

# "|---|:-:|", the line below a head.
_DIVIDER = re.compile(r"\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")
# Of a cell, no more is of use.
_LONGEST_CELL = 400
# A shorter one says nothing without the head of its column.
_SHORTEST_NAME = 2
_STEPS = ("given", "when", "then")
_SCENARIO = frozenset(_STEPS)
_NOTHING_TOLD = frozenset({"-", "--", "–", "—", "n/a", "N/A"})


# What a ticket has in a field of its own, and what needs no name.
_FIELD = re.compile(r"(?:priorit(?:y|ät|é|à)|prio|prioridade?|moscow)", re.IGNORECASE)
_TELLING = re.compile(
    r"descriptions?|details?|requirements?|beschreibung|anforderung|exigence|descripci[óo]n|"
    r"descri[çc][ãa]o|descrizione|omschrijving",
    re.IGNORECASE,
)
_NEXT_CELL = re.compile(r"; (?=[^;:]{1,30}: )")


def told(text: str) -> str:
    """A row without its priority: "Wishlist – Users can save products; Effort: S"."""
    name, _, rest = text.partition(CELL_END)
    kept = []
    for cell in _NEXT_CELL.split(rest) if rest else ():
        label, colon, value = cell.partition(": ")
        if colon and _FIELD.fullmatch(label):
            continue
        kept.append(value if colon and _TELLING.fullmatch(label) else cell)
    return f"{name}{CELL_END}{'; '.join(kept)}" if kept else name


def is_table(lines: list[Line], at: int) -> bool:
    """Whether a table begins at a line."""
    if lines[at].text.count("|") < 1:
        return False
    nearby = lines[at + 1 : at + 2]
    return lines[at].stripped.startswith("|") or any(
        _DIVIDER.match(line.stripped) and "|" in line.text for line in nearby
    )


def table(lines: list[Line], at: int) -> tuple[list[tuple[Line, Form, str]], int]:
    """The rows that have words, their cells named by the table's head when it has one.

    Returns:
        Each row's line, form and text, and the line after the table. A scenario is no row.
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
    if {name.lower() for name in head} >= _SCENARIO:
        rows = [(line, Form.SCENARIO, _scenario(head, cells)) for line, cells in body]
    else:
        naming = _naming([cells for _, cells in body])
        rows = [(line, Form.ROW, _row(head, cells, naming)) for line, cells in body]
    return [row for row in rows if row[-1]], end


def _cells(text: str) -> list[str]:
    told = text.strip()
    told = told.replace("||", "|") if told.startswith("||") else told
    return [_cell(cell) for cell in told.strip("|").split("|")]


def _cell(text: str) -> str:
    """What a cell says; empty for a dash that stands for nothing."""
    told = plain(text[:_LONGEST_CELL])
    return "" if told in _NOTHING_TOLD else told


def _scenario(head: list[str], cells: list[str]) -> str:
    """`Late: Given it is late, when I call, then it rings`: a name, if there is one, and steps."""
    told = dict(zip((name.lower() for name in head), cells, strict=False))
    steps = [f"{step} {_small(told[step])}" for step in _STEPS if told.get(step)]
    names = [cell for cell in cells if cell and not identifiers.is_one(cell)]
    name = names[0] if names and names[0] not in map(told.get, _STEPS) else ""
    return (f"{name}: " if name else "") + capitalised(", ".join(steps))


def _small(cell: str) -> str:
    """A sentence in the middle of another; "I" and names of one letter stay as they are."""
    first = cell.split(maxsplit=1)[0]
    return cell[0].lower() + cell[1:] if first[1:].islower() or first == "A" else cell


def _naming(rows: list[list[str]]) -> int | None:
    """The first column that tells all rows apart in words; None where the usual cells do."""
    usual = [_names(cells) for cells in rows]
    if len({cells[at] for cells, at in zip(rows, usual, strict=True) if at is not None}) == len(
        rows
    ):
        return None
    for at in range(min(map(len, rows), default=0)):
        column = [cells[at] for cells in rows]
        spoken = all(len(cell.split()) > 1 and not identifiers.is_one(cell) for cell in column)
        if spoken and len(set(column)) == len(column):
            return at
    return None


def _names(cells: list[str]) -> int | None:
    """The place of the first cell with words, or else with anything; None where all are empty."""
    told = [place for place, cell in enumerate(cells) if cell]
    named = [at for at in told if any(map(str.isalpha, cells[at]))]
    spoken = [at for at in named if not identifiers.is_one(cells[at])]
    return next(iter(spoken or named or told), None)


def _row(head: list[str], cells: list[str], column: int | None) -> str:
    """`Gold – Limit: 50 EUR; Wait: 2 days`: the first cell with a word names the row."""
    told = [place for place, cell in enumerate(cells) if cell]
    naming = _names(cells) if column is None else column
    if naming is None:
        return ""
    rest = [
        f"{head[at]}: {cells[at]}" if at < len(head) and head[at] else cells[at]
        for at in told
        if at != naming
    ]
    name = cells[naming]
    if len(name) <= _SHORTEST_NAME and naming < len(head) and head[naming]:
        name = f"{head[naming]} {name}"
    return name + (CELL_END + "; ".join(rest) if rest else "")
