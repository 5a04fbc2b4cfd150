"""What a small model is asked about one piece of the spec, and what is made of its answer.

Measured with SmolLM2 over the pieces of a 600-word spec, each asked twice with
the order reversed: by number it chose another sentence 9 times of 9 (always
the third or so), by whole sentence 2 of 9 at three times the tokens, by the
sentence's opening words 4 of 9 at half of those. So it chooses by opening words.
Whether a piece is a story or a task it answered alike for all: it is not asked.
"""

from dataclasses import dataclass
from typing import Any

from tickets.errors import JobErrorCode
from worker.generation import signals
from worker.generation.answer import NoJsonError, parse
from worker.generation.calls import Calls, Message, TooLongError
from worker.generation.job import GenerationError
from worker.generation.lines import Form
from worker.generation.pieces import Piece, chapters
from worker.generation.prompts import fenced, load
from worker.generation.roles import Unit
from worker.generation.text import shorten
from worker.generation.topics import ACCEPTANCE
from worker.ollama import UnusableError

_ANSWER_TOKENS = 160
# What the model reads of a piece; the choice does not get better with more.
_SHOWN = 6
_SHOWN_LENGTH = 140
_OPENING_WORDS = 4
_OPENING_LENGTH = 40
_FEWEST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What has been chosen for a piece.

    Attributes:
        title: One of those offered.
        lead: The requirement that explains the work best.
        by_model: The model has chosen, rather than the order of the spec.
    """

    title: str
    lead: Unit
    by_model: bool


def first_choice(piece: Piece, title: str) -> Choice:
    """What the order of the spec says, without a model."""
    return Choice(title, next(iter(_by_opening(piece).values())), by_model=False)


def choose(piece: Piece, titles: list[str], calls: Calls) -> Choice:
    """Lets the model choose among titles and leading sentences, where that makes a difference.

    An answer of no use costs nothing, and neither does one that there is no time
    for once others have come: the order of the spec decides.
    """
    leads = _by_opening(piece)
    first = first_choice(piece, titles[0])
    # One title for several sections says more than any of their sentences.
    if len(titles) == 1 and (len(leads) == 1 or len(piece.sections) > 1):
        return first
    if calls.replies and calls.is_late:
        calls.journal.repair("no time left to choose", ticket=first.title, done="took the first")
        return first
    try:
        answer = _answer(piece, titles, leads, calls)
    except (NoJsonError, GenerationError) as fault:
        if not _may_be_done_without(fault, calls):
            raise
        calls.journal.repair("choice unusable", ticket=first.title, done=f"took the first: {fault}")
        return first
    if not isinstance(answer, dict):
        return first
    title, lead = answer.get("title"), answer.get("lead")
    return Choice(
        title=title if title in titles else first.title,
        lead=leads[lead] if isinstance(lead, str) and lead in leads else first.lead,
        by_model=True,
    )


def _answer(piece: Piece, titles: list[str], leads: dict[str, Unit], calls: Calls) -> Any:
    """What the model answers, whatever JSON that is."""
    reply = calls.ask(
        _messages(piece, titles, leads),
        _schema(titles, leads),
        _ANSWER_TOKENS,
        purpose="choose title and leading sentence",
        prompt=load("extractive"),
    )
    return parse(reply.text)


def _may_be_done_without(fault: Exception, calls: Calls) -> bool:
    """Whether the order of the spec may decide: the model has failed, not its server."""
    if isinstance(fault, GenerationError) and fault.code is JobErrorCode.MODEL_TIMEOUT:
        return bool(calls.replies)
    return isinstance(fault, (NoJsonError, UnusableError, TooLongError))


def _by_opening(piece: Piece) -> dict[str, Unit]:
    """The first sentences by their opening words.

    List items only where there is no prose, and only what can stand alone where anything can.
    Of rows no one explains the others.
    """
    leads: dict[str, Unit] = {}
    prose = [unit for unit in piece.units if unit.sentence.form is Form.PROSE]
    said = prose or [unit for unit in piece.units if unit.sentence.form is not Form.ROW]
    first = said[:_SHOWN] or piece.units[:1]
    for unit in [unit for unit in first if _stands_alone(unit.text)] or first:
        opening = " ".join(unit.text.split()[:_OPENING_WORDS])[:_OPENING_LENGTH].strip()
        leads.setdefault(opening, unit)
    return leads


def _stands_alone(text: str) -> bool:
    """Whether a sentence explains anything without those before it: unlike "Then marketing".

    A word or two of a script without spaces may be a whole sentence.
    """
    tells = len(text.split()) >= _FEWEST_WORDS or not text.isascii()
    labelled = ACCEPTANCE.fullmatch(text.partition(":")[0])
    return tells and not labelled and not signals.leans(text)


def _schema(titles: list[str], leads: dict[str, Unit]) -> dict[str, Any]:
    properties = {
        "lead": {"type": "string", "enum": list(leads)},
        "title": {"type": "string", "enum": titles},
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _messages(piece: Piece, titles: list[str], leads: dict[str, Unit]) -> list[Message]:
    prompt = load("extractive")
    part = prompt.fill(
        "user",
        heading=fenced(" / ".join(chapters([piece])[:3])) or "the whole spec",
        sentences=fenced("\n".join(shorten(unit.text, _SHOWN_LENGTH) for unit in leads.values())),
        titles=fenced(" | ".join(titles)),
    )
    return [
        {"role": "system", "content": prompt.fill("system")},
        {"role": "user", "content": prompt.fill("example")},
        {"role": "assistant", "content": prompt.fill("answer")},
        {"role": "user", "content": part},
    ]
