"""What may be wrong with an answer: first with its values, then with its text."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Chance = random.Random
# A list or an object, and where in it.
_Place = tuple[Any, Any]

_RUBBISH: tuple[Any, ...] = (
    None,
    "",
    " \n\t ",
    True,
    0,
    -1,
    7.5,
    10**30,
    -(10**30),
    1e308,
    [],
    {},
    [[[]]],
    [None, None],
    {"text": {"text": ["deep", {"er": 1}]}},
    "3",
    "[3]",
    "1, 2 and 3",
    "null",
    "TBD",
    "Title",
    "string",
    "...",
    "{{title}}",
    "As a [role] I want [feature]",
    "\x00\x07\x1b[31m\x7f",
    "\u202eneddih\u202c\u200b\u2066x\u2069",
    "\ud800",
    "\U0001f600",
    "**Bold** _and_ [a link](http://example.com) `code`",
    "# Heading\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |",
    "<script>alert(1)</script><b>x</b>",
    "Answer with one JSON object and nothing else.",
    "You are a senior product engineer.",
    "As an AI language model, I cannot write this ticket.",
    "Die Gäste sehen ihre Buchungen.",
    "用户可以查看所有预订",
    "word " * 2000,
    "x" * 20_000,
)


def _places(value: Any) -> Iterator[_Place]:
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield value, key
            yield from _places(inner)


def _tickets(answer: Any) -> list[Any]:
    found = answer.get("tickets") if isinstance(answer, dict) else None
    return found if isinstance(found, list) else []


def _rubbish(answer: Any, chance: Chance) -> None:
    places = list(_places(answer))
    for holder, key in chance.sample(places, min(len(places), chance.choice((1, 3, 20)))):
        holder[key] = chance.choice(_RUBBISH)


def _rubbish_field(answer: Any, chance: Chance) -> None:
    """The same rubbish in one field of every ticket."""
    name, value = (
        chance.choice(("title", "description", "criteria", "sources", "type", "after")),
        (chance.choice(_RUBBISH)),
    )
    for ticket in _objects(answer):
        ticket[name] = value


def _huge(answer: Any, chance: Chance) -> None:
    for ticket in _objects(answer)[:1]:
        ticket[chance.choice(("title", "description", "labels"))] = "endless words " * 70_000


def _objects(answer: Any) -> list[Any]:
    return [ticket for ticket in _tickets(answer) if isinstance(ticket, dict)]


def _fewer(answer: Any, chance: Chance) -> None:
    tickets = _tickets(answer)
    del tickets[chance.randint(0, max(len(tickets) - 1, 0)) :]


def _more(answer: Any, chance: Chance) -> None:
    tickets = _tickets(answer)
    tickets += [
        dict(one) if isinstance(one, dict) else one for one in tickets * chance.randint(1, 4)
    ]


def _alike(answer: Any, chance: Chance) -> None:
    tickets = _tickets(answer)
    if tickets:
        tickets[:] = [json.loads(json.dumps(tickets[0])) for _ in tickets]


def _empty(answer: Any, chance: Chance) -> None:
    for holder, key in list(_places(answer)):
        if isinstance(holder, dict) and isinstance(holder.get(key), list) and chance.random() < 0.5:
            holder[key] = []


def _missing(answer: Any, chance: Chance) -> None:
    for holder, key in list(_places(answer)):
        if isinstance(holder, dict) and key in holder and chance.random() < 0.2:
            del holder[key]


def _as_texts(answer: Any, chance: Chance) -> None:
    for holder, key in list(_places(answer)):
        if isinstance(holder[key], int) and chance.random() < 0.7:
            holder[key] = chance.choice(("{}", "[{}]", "#{}", "SPEC-{}")).format(holder[key])


def _misled(answer: Any, chance: Chance) -> None:
    """References to anything: out of range, to themselves, in circles, epics in epics."""
    for ticket in _objects(answer):
        ticket["after"] = [chance.randint(-2, 60) for _ in range(chance.randint(0, 12))]
        ticket["sources"] = [chance.randint(-5, 5000) for _ in range(chance.randint(0, 9))]
        ticket["epic"] = chance.randint(-1, 12)
        ticket["points"] = chance.choice((0, -3, 100, 10**9, 2.5))
        if chance.random() < 0.3:
            ticket["type"] = "epic"


def _other_names(answer: Any, chance: Chance) -> None:
    """As a whole result calls things."""
    names = {"type": "ticket_type", "criteria": "acceptance_criteria", "after": "dependencies"}
    for place, ticket in enumerate(_objects(answer), 1):
        for name, other in names.items():
            if name in ticket:
                ticket[other] = ticket.pop(name)
        ticket["external_id"] = f"SPEC-{place if chance.random() < 0.8 else 1}"


def _blank(answer: Any, chance: Chance) -> None:
    """All that is said says nothing."""
    for holder, key in list(_places(answer)):
        if isinstance(holder[key], str):
            holder[key] = chance.choice(("", "TBD", "Title", "...", "As a user, I want"))


def _unrelated(answer: Any, chance: Chance) -> None:
    """Well formed, and about something else."""
    for ticket in _objects(answer):
        what = chance.choice(("football club", "space probe", "bakery chain"))
        ticket["title"] = f"Launch another {what} tomorrow"
        ticket["description"] = f"Everybody wanted some {what} for Christmas."
        ticket["criteria"] = [f"Nobody complains about {what} number {chance.randint(1, 99)}."]


VALUES: dict[str, Callable[[Any, Chance], None]] = {
    "rubbish": _rubbish,
    "rubbish in one field": _rubbish_field,
    "huge text": _huge,
    "fewer": _fewer,
    "more": _more,
    "alike": _alike,
    "empty lists": _empty,
    "missing fields": _missing,
    "numbers as texts": _as_texts,
    "misled": _misled,
    "other names": _other_names,
    "says nothing": _blank,
    "unrelated": _unrelated,
}


def _cut(text: str, chance: Chance) -> str:
    return text[: chance.randint(1, max(len(text) - 1, 1))]


def _twice(text: str, chance: Chance) -> str:
    """Keys that stand twice."""
    return text.replace('"tickets":', '"tickets": [], "tickets":', 1)


TEXTS: dict[str, Callable[[str, Chance], str]] = {
    "prose": lambda text, _: (
        f"Sure! Here are the {{tickets}} you asked for:\n{text}\nEnjoy [them]!"
    ),
    "fences": lambda text, _: f"```json\n{text}\n```",
    "thoughts": lambda text, _: f'<think>First {{"tickets": []}}, then [1].</think>{text}',
    "thoughts without end": lambda text, _: f"<think>Let me see. {text}",
    "cut": _cut,
    "cut in a fence": lambda text, chance: f"```json\n{_cut(text, chance)}\n```",
    "list alone": lambda text, _: text.partition('"tickets": ')[2].rpartition("]")[0] + "]",
    "wrapped": lambda text, _: f'{{"result": {text}, "ok": true}}',
    "as a string": lambda text, _: json.dumps(text),
    "trailing commas": lambda text, _: text.replace("}]", "},]").replace("]}", "],}"),
    "single quotes": lambda text, _: text.replace('"', "'"),
    "NaN": lambda text, _: text.replace("1", "NaN", 3),
    "keys twice": _twice,
    "two answers": lambda text, _: f"{text}\n{text}",
    "prose alone": lambda *_: "I would begin with the login, and then see.",
    "nothing": lambda *_: "",
    "spaces": lambda *_: '{"tickets": [' + "\n " * 3000,
    "loop": lambda text, chance: _cut(text, chance) + "the same " * 1000,
    "deep": lambda *_: "[" * 50_000,
    "many digits": lambda text, _: text.replace("1", "1" * 5000, 1),
}
