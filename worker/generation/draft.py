"""Tickets on their way into a result: what a profile makes and a document is built from.

Drafts refer to each other by their place in the list; ids come last.
"""

from dataclasses import dataclass, field

from tickets import contract

Span = tuple[int, int]

# As the contract has them.
_FIELDS = contract.result_schema()["$defs"]["Ticket"]["properties"]
KINDS: tuple[str, ...] = tuple(_FIELDS["ticket_type"]["enum"])
LEVELS: tuple[str, ...] = tuple(filter(None, _FIELDS["priority"]["enum"]))
LONGEST_TITLE: int = _FIELDS["title"]["maxLength"]
LONGEST_LABEL: int = _FIELDS["labels"]["items"]["maxLength"]
MOST_CRITERIA: int = _FIELDS["acceptance_criteria"]["maxItems"]
# Of these, teams use the Fibonacci numbers.
POINTS = (1, 2, 3, 5, 8, 13)
# How far a ticket is trusted at most whose title or criteria are none of a model's.
UNAIDED = 0.4


@dataclass(slots=True)
class TicketDraft:
    """A ticket without an id.

    Attributes:
        kind: The contract's `ticket_type`.
        points: Effort, one of `POINTS`.
        parent: Place of its epic.
        after: Places of the tickets that it depends on.
        component: The part of the product that it belongs to; empty when unknown.
        confidence: 0 to 1; the profile that made it says how it is computed.
        spans: Where in the spec it comes from.
    """

    kind: str
    title: str
    description: str
    criteria: list[str]
    labels: list[str] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    points: int | None = None
    priority: str | None = None
    parent: int | None = None
    component: str = ""
    confidence: float | None = None
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class RiskDraft:
    text: str
    severity: str
    tickets: list[int] = field(default_factory=list)


@dataclass(slots=True)
class QuestionDraft:
    text: str
    tickets: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Drafts:
    """All that a result tells, in the making."""

    summary: str
    tickets: list[TicketDraft]
    risks: list[RiskDraft] = field(default_factory=list)
    questions: list[QuestionDraft] = field(default_factory=list)

    @property
    def notes(self) -> list[RiskDraft | QuestionDraft]:
        return [*self.risks, *self.questions]

    def append(self, other: "Drafts") -> None:
        """Takes another batch's drafts, with their references moved along."""
        shift = len(self.tickets)
        for ticket in other.tickets:
            ticket.after = [place + shift for place in ticket.after]
            ticket.parent = None if ticket.parent is None else ticket.parent + shift
        for item in other.notes:
            item.tickets = [place + shift for place in item.tickets]
        self.summary = self.summary or other.summary
        self.tickets += other.tickets
        self.risks += other.risks
        self.questions += other.questions

    def keep(self, places: list[int]) -> None:
        """Drops all tickets but those at the places given, and references to the others."""
        moved = {old: new for new, old in enumerate(places)}
        self.tickets = [self.tickets[place] for place in places]
        for ticket in self.tickets:
            ticket.after = [moved[place] for place in ticket.after if place in moved]
            ticket.parent = None if ticket.parent is None else moved.get(ticket.parent)
        for item in self.notes:
            item.tickets = [moved[place] for place in item.tickets if place in moved]
