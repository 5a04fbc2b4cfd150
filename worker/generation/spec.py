"""A spec's text as sections of numbered sentences, each with its place in the text.

Says nothing about what a sentence means.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from worker.generation import identifiers, stated
from worker.generation.blocks import Block, blocks
from worker.generation.lines import Form, unquoted
from worker.generation.markup import plain
from worker.generation.text import folded, one_line, shorten

_LONGEST_SENTENCE = 400
# A list item up to this long stays one requirement, even of two sentences.
_LONGEST_ITEM = 200
# Things that a sentence lists are told apart from so many semicolons on.
_SEMICOLON = re.compile(r";\s+(?=\S)")
_FEWEST_LISTED = 4


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, list item, table row or code block.

    Attributes:
        number: From 1, through the whole spec.
        text: On one line, without markup.
        start: Where it begins in the spec's text.
        end: Where it ends.
        form: How it stands there.
        block: The paragraph, item or row that it is in, counted through the whole spec.
    """

    number: int
    text: str
    start: int
    end: int
    form: Form
    block: int = 0

    @property
    def span(self) -> tuple[int, int]:
        """Where it is in the spec's text, as tickets cite it."""
        return self.start, self.end


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """What stands under one heading. Two sections are never the same one.

    Attributes:
        heading: Empty before the first one.
        path: The headings above it, outermost first.
        sentences: In order; may be empty.
        key: The identifier that its heading begins with, such as "phase 2"; mostly empty.
        name: Its heading, or the one above it where sections of several chapters have the same.
        weight: What its heading says in brackets, such as "Priority: low"; mostly empty.
        epic: The heading that calls itself an epic, its own or one above it; mostly empty.
    """

    heading: str
    path: tuple[str, ...]
    sentences: tuple[Sentence, ...]
    name: str
    key: str = ""
    epic: str = ""
    weight: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """A parsed spec; every part of its text is in some sentence or heading."""

    sections: tuple[Section, ...]

    @property
    def sentences(self) -> list[Sentence]:
        return [sentence for section in self.sections for sentence in section.sentences]


def parse(text: str) -> Spec:
    """The spec's sections, of a text with a word in it; they have at least one sentence."""
    text = unquoted(text)
    sections: list[Section] = []
    headings: list[Block] = []
    found: list[Sentence] = []
    number = 0
    series = identifiers.series(text)
    for place, block in enumerate(_with_words(blocks(text))):
        above = [outer for outer in headings if outer.level < block.level]
        if block.form is None or above != headings:
            sections.append(_section(headings, found))
            headings = above if block.form else [*above, block]
            found = []
        if block.form is None:
            continue
        for sentence_text, start, end in _sentences(block, text):
            number += 1
            told = identifiers.marked(sentence_text, series)
            found.append(Sentence(number, told, start, end, block.form, place))
    if not number:  # such as a link without a name
        found.append(Sentence(1, one_line(text), 0, len(text), Form.CODE))
    sections.append(_section(headings, found))
    return Spec(tuple(_named([s for s in sections if s.heading or s.sentences])))


def _named(sections: list[Section]) -> Iterator[Section]:
    """The sections, each called so that it can be told from those of other chapters."""
    places: dict[str, set[tuple[str, ...]]] = {}
    for section in sections:
        places.setdefault(section.heading, set()).add(section.path)
    repeated = {heading for heading, paths in places.items() if len(paths) > 1}
    for section in sections:
        above = [name for name in section.path[1:] if name not in repeated]
        called = above[-1] if above and section.heading in repeated else section.heading
        yield section if called == section.name else replace(section, name=called)


def _with_words(found: list[Block]) -> Iterator[Block]:
    """The blocks, with one of its own words for each heading that has nothing under it."""
    for place, block in enumerate(found):
        yield block
        following = found[place + 1] if place + 1 < len(found) else None
        if block.form is None and (
            following is None or (following.form is None and following.level <= block.level)
        ):
            yield Block(Form.PROSE, block.text, block.start, block.end, block.level + 1)


def _section(headings: list[Block], found: list[Sentence]) -> Section:
    """What was found below some headings, outermost first."""
    if not headings:
        return Section("", (), tuple(found), "")
    named, weight = stated.weighed(headings[-1].text)
    name = identifiers.bare(named)
    above = [identifiers.bare(stated.weighed(block.text)[0]) for block in headings[:-1]]
    key = identifiers.own(headings[-1].text) or folded(headings[-1].number)
    epics = [block.text for block in headings if identifiers.is_epic(block.text)]
    epic = identifiers.bare(epics[-1]) if epics else ""
    return Section(name, tuple(above), tuple(found), name, key, epic, weight)


# A sentence ends at a full stop before a capital or code, or at a full-width one.
_END = re.compile(
    r"(?<=[.!?…])([\"'”’»)\]]*)\s[\s\u200b]*(?=[\"'“«(\[¿¡]*[^\W\d_a-zß-ÿ]|\d|`\S)|(?<=[。！？])"
)
_SMALL_END = re.compile(rf"{_END.pattern}|(?<=\w{{3}}[.!?])()\s+(?=[a-z])")
# "11. März" is a day.
_DAY = re.compile(
    r".{0,2}?\d{1,2}\.\s(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)\w*\b", re.DOTALL
)
# "e.g.", "z.B.", "J.": no sentence ends there.
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|cf|Mr|Mrs|Ms|Dr|No|St|z\.B|d\.h|u\.a|bzw|ca|ggf|inkl|Nr|Abs|Art|max|min|incl|p\.ex)|"
    r"\b[A-Z]|[Dd]oc\.? no)\.$"
)


def _sentences(block: Block, text: str) -> Iterator[tuple[str, int, int]]:
    """The block's sentences with their places; nothing empty."""
    if block.form in {Form.ROW, Form.SCENARIO, Form.CODE}:
        if block.text.strip():
            yield shorten(block.text, _LONGEST_SENTENCE), block.start, block.end
        return
    raw = text[block.start : block.end]
    if block.form is not Form.PROSE and len(raw) <= _LONGEST_ITEM:
        bounds = [(0, len(raw))]
    else:
        bounds = [part for whole in _split(raw) for part in _bounded(raw, *whole)]
    for start, end in bounds:
        if sentence := plain(raw[start:end]):
            yield sentence, block.start + start, block.start + end


def _split(raw: str) -> Iterator[tuple[int, int]]:
    start = 0
    small = raw[:1].islower()  # who begins so goes on so
    for gap in (_SMALL_END if small else _END).finditer(raw):
        if _ABBREVIATION.search(raw[max(start, gap.start() - 12) : gap.start()]):
            continue
        if _DAY.match(raw, max(gap.start() - 3, 0)):
            continue
        yield start, gap.end(1) if gap[1] else gap.start()
        start = gap.end()
    yield from _by_semicolons(raw, start)


def _by_semicolons(raw: str, start: int) -> Iterator[tuple[int, int]]:
    """The rest of a paragraph: a list on one line, where it has many semicolons."""
    gaps = list(_SEMICOLON.finditer(raw, start))
    for gap in gaps if len(gaps) >= _FEWEST_LISTED else []:
        yield start, gap.start()
        start = gap.end()
    yield start, len(raw)


def _bounded(raw: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The same stretch in pieces that are not endless."""
    while end - start > _LONGEST_SENTENCE:
        window = raw[start : start + _LONGEST_SENTENCE]
        cut = max(window.rfind("; "), window.rfind(", "), window.rfind("\n"))
        cut = cut + 1 if cut > _LONGEST_SENTENCE // 2 else window.rfind(" ")
        cut = cut if cut > 0 else _LONGEST_SENTENCE
        yield start, start + cut
        start += cut
    yield start, end
