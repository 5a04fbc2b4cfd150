"""Where the tickets stand in a model's answer: brought into one list, whatever it has made of them.

A schema leaves no choice. Servers that know none let models write as they like.
"""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

# What is longer has run on; nobody reads it, and comparing it takes long.
LONGEST_LIST = 200
TITLE = ("title", "name", "summary")
# Lists beside the tickets, and what lists of tickets below an epic are called.
_BESIDE = frozenset({"epics", "risks", "questions", "open_questions"})
_HELD = ("tickets", "stories", "user_stories", "tasks", "issues", "items", "children")


def gathered(answer: Any, deepest: int = 4) -> Json:
    """The object that tells it all, with its tickets as objects in one list, which may be empty.

    They may be in a wrapper, a list alone, below their epics, by another name, or titles alone.
    """
    if isinstance(answer, list):
        entries = objects(answer)
        held = any(_held(entry) for entry in entries)
        answer = {"epics": entries} if held else {"tickets": _titled(entries)}
    whole = mapping(answer)
    if found := _tickets(whole.get("tickets")):
        return {**whole, "tickets": found}
    places = (_below_epics(whole), _by_other_name(whole), _wrapped(whole, deepest))
    return next(filter(None, places), {**whole, "tickets": []})


def _tickets(value: Any) -> list[Json]:
    """Out of a list of objects or of titles, or out of an object of objects."""
    if isinstance(value, dict) and not _titled([value]):
        value = list(value.values())
    entries = as_list(value) if isinstance(value, (list, dict)) else []
    return objects([{"title": entry} if isinstance(entry, str) else entry for entry in entries])


def _held(epic: Json) -> list[Json]:
    """The tickets that stand below an epic."""
    lists = (_titled(epic[name]) for name in _HELD if isinstance(epic.get(name), list))
    return next(filter(None, lists), [])


def _below_epics(whole: Json) -> Json:
    for name, value in whole.items():
        epics = objects(value) if isinstance(value, list) else []
        tickets = [
            {**ticket, "epic": number}
            for number, epic in enumerate(epics, 1)
            for ticket in _held(epic)
        ]
        if tickets and (name == "epics" or name not in _BESIDE):
            named = [{"title": epic.get("epic"), **epic} for epic in epics]
            return {**whole, "epics": named, "tickets": tickets}
    return {}


def _by_other_name(whole: Json) -> Json:
    """The longest list of what has titles."""
    lists = [
        _titled(value)
        for name, value in whole.items()
        if isinstance(value, list) and name not in _BESIDE
    ]
    longest = max(lists, key=len, default=[])
    return {**whole, "tickets": longest} if longest else {}


def _wrapped(whole: Json, deepest: int) -> Json:
    values = [value for value in whole.values() if isinstance(value, dict) and deepest > 0]
    inner = (gathered(value, deepest - 1) for value in values)
    return next((found for found in inner if found["tickets"]), {})


def _titled(value: Any) -> list[Json]:
    return [entry for entry in objects(value) if first(entry, TITLE) is not None]


def first(entry: Json, names: Iterable[str]) -> Any:
    """The first value that says something, by any of some names."""
    return next((entry[name] for name in names if entry.get(name) not in (None, "")), None)


def objects(value: Any) -> list[Json]:
    return [entry for entry in as_list(value) if isinstance(entry, dict)]


def as_list(value: Any) -> list[Any]:
    """A list, not too long; what is none is the only entry of one."""
    if value is None:
        return []
    return value[:LONGEST_LIST] if isinstance(value, list) else [value]


def mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
