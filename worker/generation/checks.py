"""What is wrong with a written ticket, and what code can do about it without asking again."""

import re
from collections.abc import Sequence

from worker.generation.draft import UNAIDED, TicketDraft
from worker.generation.endings import goes_round
from worker.generation.journal import Journal
from worker.generation.prompts import load
from worker.generation.similarity import is_word, repeats, spoken, within, words
from worker.generation.spec import Sentence
from worker.generation.text import folded, one_line
from worker.generation.titles import title_from

# What stands in forms that nobody has filled in.
_TEMPLATE = re.compile(
    r"lorem ipsum|\{\{ ?\w+ ?\}\}|[\[<](?:insert|your|placeholder)\b[^\]>]{0,80}[\]>]|"
    r"\bas an? [\[<{]|^[\[<](?:name|role|action|feature|title)[\]>]|"
    r"^(?:insert|add) \w+ here\b|"
    # Nor do excuses say anything.
    r"^(?:(?:i.?m|i am) sorry|sorry, (?:but )?i|as an ai)\b|"
    r"^i can(?:not|.t) (?:help|assist|comply|fulfil|write|create|generate|provide)",
    re.IGNORECASE,
)
# What the model was told, which some repeat instead of doing it.
_TOLD = f" {folded(' '.join(load('freeform').parts.values()))} "
_FEWEST_TOLD = 5
# What names a field instead of filling it, or promises to: "Title", "TBD", "It works."
_BLANK = re.compile(
    r"(?:(?:the )?(?:new )?(?:ticket|task|story|epic|title|description|summary|criterion|criteria|"
    r"acceptance criteria|item|step|feature|part|requirement)(?: (?:title|text|description))?"
    r"(?: #?\d+)?|tbd|todo|to do|n/?a|none|null|string|text|placeholder|xxx+|"
    r"(?:it|this|everything|the feature) works(?: as (?:expected|intended|described))?|"
    r"to be (?:defined|determined|decided|done)|\W*)[.:]?",
    re.IGNORECASE,
)
_SHORTEST_TITLE = 3
_LIKELY_SOURCE = 0.5
# What is longer is a sentence rather than a label.
_LONGEST_LABEL = 30
_LABEL_WORDS = 3


def is_blank(text: str) -> bool:
    """Whether a text says nothing: empty, a form, an excuse, a loop, what the model was told."""
    line = one_line(text)
    if _BLANK.fullmatch(line) is not None or _TEMPLATE.search(line) is not None:
        return True
    if goes_round(line):
        return True
    said = folded(line[: len(_TOLD)])
    return len(said.split()) >= _FEWEST_TOLD and f" {said} " in _TOLD


def adds_nothing(criterion: str, title: str) -> bool:
    """Whether a criterion says nothing to check: blank, a word, a question, or the title again."""
    asks = criterion.rstrip().endswith(("?", "\N{FULLWIDTH QUESTION MARK}"))
    return asks or is_blank(criterion) or is_word(criterion) or repeats(criterion, title)


def repair(
    ticket: TicketDraft,
    sentences: Sequence[Sentence],
    requirements: Sequence[Sentence],
    journal: Journal,
) -> None:
    """Puts the spec's own words where a ticket says nothing; each repair is recorded.

    Args:
        ticket: Changed in place; no epic.
        sentences: Those that it could cite.
        requirements: Those of them that ask for something.
        journal: Takes the repairs.
    """
    _find_source(ticket, sentences, journal)
    quoted = quotes(ticket, requirements) or quotes(ticket, sentences)
    if quoted and _has_no_title(ticket):
        journal.repair("title empty", ticket=ticket.title, done="taken from the spec")
        ticket.title = title_from(quoted[0])
        ticket.confidence = UNAIDED
    if quoted and is_blank(ticket.description):
        journal.repair("description empty", ticket=ticket.title, done="taken from the spec")
        ticket.description = " ".join(quoted)
    _mend_criteria(ticket, quoted, journal)
    _mend_labels(ticket, journal)


def quotes(ticket: TicketDraft, sentences: Sequence[Sentence]) -> list[str]:
    """The sentences that a ticket cites."""
    cited = set(ticket.spans)
    return [one.text for one in sentences if one.span in cited]


def problems(ticket: TicketDraft, sentences: Sequence[Sentence]) -> list[str]:
    """What is still wrong with a ticket's text, as sentences to the model that wrote it.

    Args:
        ticket: Repaired.
        sentences: Those that it could cite.
    """
    found: list[str] = []
    if _has_no_title(ticket):
        found.append("the title does not say what the work is")
    if is_blank(ticket.description):
        found.append("the description says nothing")
    if not ticket.criteria:
        found.append("there is no acceptance criterion that says more than the title")
    if not ticket.spans:
        found.append('"sources" names no sentence of the spec that it is about')
    elif not _is_about(ticket, quotes(ticket, sentences)):
        found.append("it has nothing in common with the sentences that it cites")
    return found


def fill_blank(
    tickets: Sequence[TicketDraft], requirements: Sequence[Sentence], journal: Journal
) -> None:
    """Makes each ticket that says and cites nothing of a requirement that no other one cites.

    Args:
        tickets: Changed in place; those for which no requirement is left stay as they are.
        requirements: Those of the sentences that they could cite.
        journal: Takes the repairs.
    """
    cited = {span for ticket in tickets for span in ticket.spans}
    left = [one for one in requirements if one.span not in cited]
    blank = [ticket for ticket in tickets if ticket.kind != "epic" and is_empty(ticket)]
    for ticket, one in zip(blank, left, strict=False):
        journal.repair("ticket empty", ticket=ticket.title, done="made of the spec's words")
        ticket.spans = [one.span]
        _quote(ticket, [one.text])


def is_empty(ticket: TicketDraft) -> bool:
    """Whether a ticket cites nothing and says at most a title or a criterion."""
    told = not _has_no_title(ticket) and bool(ticket.criteria)
    return not ticket.spans and not told and is_blank(ticket.description)


def entitle(
    tickets: Sequence[TicketDraft], sentences: Sequence[Sentence], journal: Journal
) -> None:
    """Gives a title to each ticket that has none and now cites something."""
    for ticket in tickets:
        if _has_no_title(ticket) and (quoted := quotes(ticket, sentences)):
            journal.repair("title empty", ticket=ticket.title, done="taken from the spec")
            ticket.title = title_from(quoted[0])


def put_in_own_words(ticket: TicketDraft, sentences: Sequence[Sentence], journal: Journal) -> None:
    """Makes a ticket that has nothing of the sentences it cites one of those sentences.

    Args:
        ticket: Changed in place; one that cites nothing, or has something of it, is left alone.
        sentences: Those that it could cite.
        journal: Takes the repair.
    """
    quoted = quotes(ticket, sentences)
    if not quoted or _is_about(ticket, quoted):
        return
    journal.repair("nothing of its sentences", ticket=ticket.title, done="taken from the spec")
    _quote(ticket, quoted)


def _quote(ticket: TicketDraft, quoted: list[str]) -> None:
    """Lets a ticket say some sentences of the spec, and nothing else."""
    ticket.title, ticket.description = title_from(quoted[0]), " ".join(quoted)
    ticket.criteria = quoted
    ticket.confidence = UNAIDED


def _is_about(ticket: TicketDraft, quoted: list[str]) -> bool:
    """Whether any of its words are those of its sentences; there may be none to compare with."""
    own = spoken(ticket)
    told = words(" ".join(quoted))
    return not told or bool(own & told)


def _has_no_title(ticket: TicketDraft) -> bool:
    return is_blank(ticket.title) or len(folded(ticket.title)) < _SHORTEST_TITLE


def _find_source(ticket: TicketDraft, sentences: Sequence[Sentence], journal: Journal) -> None:
    """For a ticket that cites nothing, the sentence that shares most of its title's words."""
    if ticket.spans or not sentences:
        return
    shares = [(within(ticket.title, [one.text]), -one.number, one) for one in sentences]
    share, _, nearest = max(shares, key=lambda found: found[:2])
    if share >= _LIKELY_SOURCE:
        ticket.spans = [nearest.span]
        journal.repair("no source", ticket=ticket.title, done="found by its words")


def _mend_criteria(ticket: TicketDraft, quoted: list[str], journal: Journal) -> None:
    """Leaves out criteria that say nothing new; takes the spec's own where none stay."""
    kept: dict[str, str] = {}
    for criterion in ticket.criteria:
        if not adds_nothing(criterion, ticket.title):
            kept.setdefault(folded(criterion) or criterion, criterion)
    if len(kept) < len(ticket.criteria):
        journal.repair("criterion says nothing new", ticket=ticket.title, done="left out")
    if not kept and quoted:
        journal.repair("no criteria", ticket=ticket.title, done="taken from the spec")
        kept = {folded(text) or text: text for text in quoted}
        ticket.confidence = UNAIDED
    ticket.criteria = list(kept.values())


def _mend_labels(ticket: TicketDraft, journal: Journal) -> None:
    """Leaves out labels that are no short words."""
    kept = [
        label
        for label in ticket.labels
        if len(label) <= _LONGEST_LABEL and len(label.split()) <= _LABEL_WORDS and folded(label)
    ]
    if len(kept) < len(ticket.labels):
        journal.repair("label is a text", ticket=ticket.title, done="left out")
    ticket.labels = kept
