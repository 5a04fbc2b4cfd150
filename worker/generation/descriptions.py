"""The descriptions of tickets in the spec's words: a sentence, and what the spec says around it."""

from collections.abc import Iterable, Iterator

from worker.generation.imprint import is_imprint
from worker.generation.phrasebook import Phrasebook, english
from worker.generation.plan import Plan
from worker.generation.roles import LISTED, Role, Unit
from worker.generation.text import announces, closed, ended
from worker.generation.topics import ACCEPTANCE

_NEAR = 2
# So many tickets of one section each tell all that it says.
_FEW = 3
_CONTEXT_SENTENCES = {"compact": 0, "standard": 2, "detailed": 6}


def describe(planned: Plan, leading: Unit, detail: str, book: Phrasebook) -> str:
    """A ticket's description.

    Args:
        planned: What the ticket is part of.
        leading: The requirement that explains it best.
        detail: The contract's `output_detail`.
        book: What code says, in the language of the spec.
    """
    around = _around(planned, leading)[: _CONTEXT_SENTENCES[detail]]
    told = sorted([*around, leading], key=lambda unit: unit.sentence.number)
    parts = [" ".join(ended(closed(text)) for text in _joined(told))]
    if detail == "detailed":
        parts += _ruled_out(planned, book)
    return "\n\n".join(parts)


def _joined(told: Iterable[Unit]) -> Iterator[str]:
    """The texts of units; "Members are able to:" is one sentence with the item behind it."""
    begun = ""
    for unit in told:
        text = f"{begun} {unit.text}".strip() if unit.sentence.form in LISTED else unit.told
        begun = text.rstrip(": ") if _is_begun(text) else ""
        if not begun:
            yield text


def _is_begun(text: str) -> bool:
    """Whether a line needs the items below it, such as "Members are able to:"."""
    return announces(text) and text.rstrip(": ").endswith(" to")


def _ruled_out(planned: Plan, book: Phrasebook) -> list[str]:
    """What the spec leaves out, in one text; none where it leaves nothing out."""
    outside = [unit for unit in planned.units if unit.role is Role.OUTSIDE]
    if not outside:
        return []
    heading = book.outside or f"{outside[0].section.heading or english().outside.rstrip(':')}:"
    return ["\n".join([heading, *(f"- {unit.text}" for unit in outside)])]


def _around(planned: Plan, leading: Unit) -> list[Unit]:
    """What a section says beside its requirements.

    Only what stands near, where there is no heading or many tickets would repeat it; and what
    the leading item completes.
    """
    sharing = sum(leading.section in piece.sections for piece in planned.pieces)
    whole = leading.section.heading and sharing <= _FEW
    lead = _lead(planned, leading)
    return [
        unit
        for unit in planned.units
        if unit.role is Role.CONTEXT
        and unit.section is leading.section
        and (unit is lead if _is_begun(unit.text) else whole or _is_near(unit, leading))
        and not is_imprint(unit.text)
        and not ACCEPTANCE.fullmatch(unit.text.rstrip(": "))
    ]


def _lead(planned: Plan, leading: Unit) -> Unit | None:
    """What stands above the list that an item is in."""
    if leading.sentence.form not in LISTED:
        return None
    before = [
        unit
        for unit in planned.units
        if unit.section is leading.section
        and unit.sentence.number < leading.sentence.number
        and unit.sentence.form not in LISTED
    ]
    return before[-1] if before else None


def _is_near(unit: Unit, leading: Unit) -> bool:
    apart = abs(unit.sentence.number - leading.sentence.number)
    return apart == 1 or (apart <= _NEAR and unit.sentence.block == leading.sentence.block)
