"""The titles that a piece of the spec could have, or a sentence of it."""

from worker.generation import headings, language, nouns, phrases, signals, stated, words
from worker.generation.cutting import ROOM
from worker.generation.lines import Form
from worker.generation.pieces import Piece
from worker.generation.roles import Unit
from worker.generation.spec import Section
from worker.generation.tables import CELL_END
from worker.generation.text import clipped, folded
from worker.generation.topics import GENERIC, is_finding

_OFFERED = 4
# So many further faults in a ticket are counted in its title.
_MANY = 2
# What is longer is the name of a document rather than of a part.
_LONGEST_HEADING = 6


def titles(piece: Piece, names: frozenset[str], *, whole: str, english: bool) -> list[str]:
    """A few different titles, the best first; at least one.

    Args:
        piece: A part of the plan.
        names: Words that keep their capital.
        whole: What all of the spec stands under; empty if nothing.
        english: The spec is in English, and its sentences can be turned.
    """
    heading = piece.sections[0].heading
    found = _english(piece, names, whole) if english else _verbatim(piece, whole)
    different = {folded(title): title for title in reversed(found) if len(title) > 2}  # noqa: PLR2004 - "A" is no title
    offered = list(reversed(different.values()))[:_OFFERED]
    return offered or [phrases.quoted(piece.units[0].text) or heading or "Untitled"]


def _english(piece: Piece, names: frozenset[str], whole: str) -> list[str]:
    """For whole sections their headings come first; for a part what it says itself."""
    headed = _headed(piece, names)
    if headed and piece.whole and _is_entry(piece):
        return [headed]
    faults = [unit.text for unit in piece.units if unit.is_fault]
    if 2 * len(faults) > len(piece.units):
        return _faults(piece, faults)
    spoken = _spoken(piece)
    said = [title for text in spoken if (title := phrases.imperative(text))]
    heading = piece.sections[0].heading
    alone = said and len(piece.sections) == 1 and nouns.is_person(heading)
    if alone and spoken[0].startswith(f"The {nouns.mid(heading)} "):
        return said[:1]
    if spoken and piece.whole and heading.endswith("?"):
        return [told for told in (phrases.imperative(spoken[0]), headed) if told]
    # What somebody can do may stand for what is around it; a rule of detail does not.
    abilities = [title for title in said if not title.startswith(("Ensure", "Require"))]
    if piece.whole and headed:
        # Nor does one of several things in a list.
        stands = len(piece.sections) == 1 and not _is_list(piece)
        return [headed, *(abilities[:2] if stands else [])]
    rows = _rows(piece, headed)
    return (
        [*rows, *([] if rows else dict.fromkeys([*said[:1], *abilities]))]
        or _named(piece)
        or _parts(piece, "" if heading == whole else headed)
    )


def _spoken(piece: Piece) -> list[str]:
    """What a piece says in sentences, each with its subject: "sees the plan" under "Teacher"."""
    texts = [one.text for one in piece.units if one.sentence.form not in {Form.CODE, Form.ROW}]
    heading = piece.sections[0].heading
    if not nouns.is_person(heading) or words.is_plural(heading):
        return texts
    # "Changes show up" begins with a capital, and has a subject of its own.
    return [
        f"The {nouns.mid(heading)} {text}" if text.split(maxsplit=1)[0] in words.BY_THIRD else text
        for text in texts
    ]


def _faults(piece: Piece, told: list[str]) -> list[str]:
    """For a piece that is mostly faults: by what finds them, or else by what they say."""
    if not piece.whole and (orders := [made for text in told if (made := _remedy(text))]):
        return orders
    sections = piece.sections if piece.whole else []
    found = [one.heading for one in sections if is_finding(one.heading, one.path)]
    named = [phrases.from_fault(text) for text in found or told]
    more = len(found or piece.units) - 1
    return named if more < _MANY else [clipped(f"{named[0]}, and {more} more", ROOM)]


def _remedy(text: str) -> str | None:
    """What is to be done about a fault, where that is said."""
    return phrases.imperative(text) if nouns.begins_with_verb(phrases.unlabelled(text)) else None


def _headed(piece: Piece, names: frozenset[str]) -> str:
    """The title that the headings give; empty where they name nothing."""
    sections = piece.sections
    if len(sections) == 1 and (summary := _summary(piece)):
        return summary
    if len(sections) == 1 and headings.leans(sections[0].heading):
        return _leaning(sections[0], names)
    verbs = headings.bare_verbs(sections[0].heading, sections[0].path, names)
    if verbs and len(sections) == 1:
        return verbs
    called = list(dict.fromkeys(section.name for section in sections))
    headed = headings.from_headings(called, names)
    if len(sections) == 1 and called != [sections[0].heading] and headed:
        return clipped(f"{headed}: {sections[0].heading}", ROOM)
    return headed


def _is_list(piece: Piece) -> bool:
    """Whether a piece is several things that the spec lists side by side."""
    listed = sum(unit.sentence.form in {Form.ITEM, Form.STEP} for unit in piece.units)
    return listed > 1 and listed == len(piece.units)


def _leaning(section: Section, names: frozenset[str]) -> str:
    """The title of a heading that goes on from the one above it, unless that is the document's."""
    above = section.path[-1] if len(section.path) > 1 else ""
    if not above or GENERIC.fullmatch(above):
        return ""
    return headings.from_headings([f"{above} {section.heading}"], names)


def _is_entry(piece: Piece) -> bool:
    """Whether a piece is one ticket, story or phase of the spec's own, and not just a chapter."""
    return len(piece.sections) == 1 and piece.sections[0].key[:1].isalpha()


def _summary(piece: Piece) -> str:
    """What a ticket that the spec brings with it is called there; empty if it brings none."""
    section = piece.sections[0]
    if stated.kind(piece.told) == "bug" or is_finding(section.heading, section.path):
        return phrases.from_fault(section.heading)
    if not _is_entry(piece):
        return ""
    orders = nouns.begins_with_verb(section.heading)
    return phrases.quoted(section.heading) if orders else phrases.as_order(section.heading)


def _named(piece: Piece) -> list[str]:
    listed = [unit.text for unit in piece.units if unit.sentence.form is not Form.PROSE]
    return [title for text in listed if (title := phrases.from_noun_phrase(text))]


def _rows(piece: Piece, headed: str) -> list[str]:
    """For a piece that is mostly rows of a table."""
    rows = [unit for unit in piece.units if unit.sentence.form is Form.ROW]
    if 2 * len(rows) <= len(piece.units):
        return []
    if len(rows) == 1:
        return [phrases.from_row(rows[0].text)]
    cells = [_cell(row) for row in rows]
    orders = [made for cell in cells if (made := phrases.imperative(cell))]
    if 2 * len(orders) > len(cells):
        return orders[:3]
    return [clipped(f"{headed or 'Cover'}: {', '.join(cells)}", ROOM)]


def _cell(unit: Unit) -> str:
    """What a sentence says, or the cell that names a row."""
    row = unit.sentence.form is Form.ROW
    return unit.text.split(CELL_END)[0] if row else unit.text


def _parts(piece: Piece, headed: str) -> list[str]:
    """The piece's own words, behind its heading's title where there is one."""
    quotes = _quotes(piece)
    own = piece.sections[0].heading
    headed = headed.removesuffix(f": {own}") if GENERIC.fullmatch(own) else headed
    if not headed or len(headed.split()) > _LONGEST_HEADING:
        return quotes
    return [clipped(f"{headed}: {quote}", ROOM) for quote in quotes[:2]]


def _verbatim(piece: Piece, whole: str) -> list[str]:
    """The heading where the piece is a whole section, else also the words of the sentence."""
    heading = piece.sections[0].heading
    own = "" if GENERIC.fullmatch(heading) or heading == whole else heading
    if heading != piece.sections[0].name:
        own = f"{piece.sections[0].name}: {heading}"
    quotes = _quotes(piece)
    if stories := [unit.text for unit in piece.units if signals.is_story(unit.text)]:
        return [phrases.quoted(stories[0])]
    if piece.whole and len(own.split()) > 2:  # noqa: PLR2004 - a word or two say too little
        return [own]
    rows = [unit for unit in piece.units if unit.sentence.form is Form.ROW]
    if own and len(rows) > 1 and len(rows) == len(piece.units):
        return [clipped(f"{own}: {', '.join(map(_cell, rows))}", ROOM)]
    if own:
        return [_behind(own, quote) for quote in quotes] or [own]
    return quotes[:3]


def _behind(heading: str, quote: str) -> str:
    """The quote behind its heading, unless it begins with that itself."""
    repeats = folded(f"{quote} ").startswith(folded(heading))
    return quote if repeats else clipped(f"{heading}: {quote}", ROOM)


def _quotes(piece: Piece) -> list[str]:
    texts = [_cell(unit) for unit in piece.units if unit.sentence.form is not Form.CODE]
    return [phrases.quoted(text) for text in texts[:3]]


def title_from(sentence: str) -> str:
    """A title in the words of a sentence of the spec."""
    if signals.speaks_of_fault(sentence):
        return phrases.from_fault(sentence)
    made = phrases.imperative(sentence) if language.is_english(sentence) else None
    return made or phrases.quoted(sentence)
