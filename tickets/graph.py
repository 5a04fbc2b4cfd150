"""The rules that hold between the tickets of a result, and that no schema can say."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

Document = dict[str, Any]


def problems(result: Document) -> list[str]:
    """What is wrong with the graph of a schema-valid `tickets.result.v1` document.

    Empty when ids are unique, dependencies and related ids exist, nothing
    depends on itself directly or not, parents are epics, epics have no parent
    and each epic holds a ticket.
    """
    tickets: list[Document] = result["tickets"]
    types = {ticket["external_id"]: ticket["ticket_type"] for ticket in tickets}
    return [
        *_repeated("ticket", (ticket["external_id"] for ticket in tickets)),
        *_repeated("risk", (risk["id"] for risk in result["risks"])),
        *_repeated("question", (question["id"] for question in result["open_questions"])),
        *(problem for ticket in tickets for problem in _ticket_problems(ticket, types)),
        *_childless_epics(tickets),
        *_unknown_relations(result, types),
        *_cycles(tickets),
    ]


def count_problems(
    result: Document, *, ticket_count: int | None, max_ticket_count: int, include_epics: bool
) -> list[str]:
    """What is wrong with a result's tickets as an answer to the request's options."""
    tickets = result["tickets"]
    found: list[str] = []
    if ticket_count is not None and len(tickets) != ticket_count:
        found.append(f"{len(tickets)} tickets where {ticket_count} were asked for")
    elif len(tickets) > max_ticket_count:
        found.append(f"{len(tickets)} tickets where at most {max_ticket_count} were allowed")
    if not include_epics:
        found += [
            f"{ticket['external_id']}: an epic, and none were asked for"
            for ticket in tickets
            if ticket["ticket_type"] == "epic"
        ]
        found += [
            f"{ticket['external_id']}: has a parent, and no epics were asked for"
            for ticket in tickets
            if ticket["parent_external_id"] is not None
        ]
    return found


def _repeated(kind: str, ids: Iterable[str]) -> list[str]:
    return [f"{kind} id {id_} is used {n} times" for id_, n in Counter(ids).items() if n > 1]


def _ticket_problems(ticket: Document, types: dict[str, str]) -> Iterable[str]:
    own, parent = ticket["external_id"], ticket["parent_external_id"]
    if parent is not None:
        if types.get(parent) != "epic":
            yield f"{own}: its parent {parent} is not an epic of this result"
        if ticket["ticket_type"] == "epic":
            yield f"{own}: an epic cannot have a parent"
    named: Counter[str] = Counter(ticket["dependencies"])
    for dependency, times in named.items():
        if dependency == own:
            yield f"{own}: depends on itself"
        elif dependency not in types:
            yield f"{own}: depends on {dependency}, which does not exist"
        if times > 1:
            yield f"{own}: names its dependency {dependency} {times} times"


def _childless_epics(tickets: list[Document]) -> list[str]:
    parents = {ticket["parent_external_id"] for ticket in tickets}
    return [
        f"{ticket['external_id']}: an epic without tickets"
        for ticket in tickets
        if ticket["ticket_type"] == "epic" and ticket["external_id"] not in parents
    ]


def _unknown_relations(result: Document, types: dict[str, str]) -> list[str]:
    return [
        f"{item['id']}: refers to {related}, which does not exist"
        for item in [*result["risks"], *result["open_questions"]]
        for related in item["related_ticket_ids"]
        if related not in types
    ]


def _cycles(tickets: list[Document]) -> list[str]:
    """One problem naming the tickets that depend on each other in a circle."""
    ids = {ticket["external_id"] for ticket in tickets}
    # A ticket that depends on itself is a problem of its own.
    waiting = {
        ticket["external_id"]: (set(ticket["dependencies"]) & ids) - {ticket["external_id"]}
        for ticket in tickets
    }
    while ready := [own for own, open_ in waiting.items() if not open_]:
        for own in ready:
            del waiting[own]
        for open_ in waiting.values():
            open_.difference_update(ready)
    return [f"dependencies form a cycle among {', '.join(sorted(waiting))}"] if waiting else []
