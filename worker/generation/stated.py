"""What a spec says outright about a ticket: its type and its priority.

As fields of a ticket that was exported, "Type: Bug", or as the columns of a table.
"""
# ruff: noqa: RUF001 - the apostrophes of word processors are meant

import re
from collections.abc import Iterable, Iterator

# Within a line its name has a capital: "sorted by priority: high first" states nothing.
_FIELD = re.compile(
    r"(?:^|[;\u2013]\s*|\s(?-i:(?=[A-Z])))(?P<name>(?:issue )?type|priority|prio|severity|"
    r"importance|moscow|priorit[äàé]t?|prioridade?)\s*:\s*"
    r"(?P<value>[\w'’-]+(?-i:(?: [a-z][\w'’-]*){0,2}))",
    re.IGNORECASE,
)
# Several of them in a line: "Type: Task   Priority: Won't".
_FIELDS = re.compile(r"(?:(?-i:[A-Z])[\w ]{2,24}:(?: [\w'’-]+){1,4} ?){1,8}", re.IGNORECASE)
_KINDS = {
    "story": "story", "user story": "story", "feature": "story", "bug": "bug", "defect": "bug",
    "task": "task", "chore": "task", "spike": "spike",
}  # fmt: skip
_PRIORITIES = (
    ("critical", r"p0|critical|blocker|highest|showstopper|kritisch|critique|cr[íi]tic[ao]"),
    ("high", r"p1|high|must|major|urgent|serious|severe|hoch|muss|haute?|alt[ao]"),
    ("medium", r"p2|medium|normal|should|moderate|mittel|soll|moyenne?|medi[ao]"),
    (
        "low",
        r"p[34]|low(?:est)?|could|minor|trivial|nice|niedrig|kann|basse|bass[ao]|baj[ao]|baix[ao]",
    ),
)
_WEIGHTS = (
    ("high", re.compile(r"must[- ]haves?\b|musts?$|muss(?:-\w+)?$", re.IGNORECASE)),
    (
        "low",
        re.compile(
            r"(?:nice|could)[- ](?:to[- ])?haves?\b|could$|optional\b|wish ?list|kann(?:-\w+)?$",
            re.IGNORECASE,
        ),
    ),
)
# As in "Verbose errors (Medium, CVSS 5.3)".
_LEVEL = re.compile(r"[(\[](critical|high|medium|low)\b[^()\[\]]{0,40}[)\]]$", re.IGNORECASE)
_WEIGHED = (
    r"(?:p[0-4]|critical|high|medium|low|(?:must|should|could)(?:[- ]haves?)?|"
    r"nice[- ]to[- ]haves?|won['’]t(?:[- ]have)?)"
)
# "Battery (low)" is a state.
_BRACKETED = re.compile(
    rf"\s*[(\[](?:(?:priority|prio|moscow): ?({_WEIGHED})|({_WEIGHED}) priority|"
    rf"(?!critical|high|medium|low)({_WEIGHED}))[)\]]$",
    re.IGNORECASE,
)
_NEVER = re.compile(r"won['’]?t(?: (?:have|do|fix)\b.*)?|never|nicht|kein\w*", re.IGNORECASE)


def kind(texts: Iterable[str]) -> str:
    """The contract's `ticket_type` that is stated first; empty if none is."""
    return next(filter(None, (_KINDS.get(said) for said in _values(texts, "type"))), "")


def priority(texts: Iterable[str]) -> str:
    """The contract's `priority` that is stated, the highest of several; empty if none is."""
    said = {value.split()[0] for value in _values(texts, "prio", "sever", "import", "moscow")}
    return next(
        (name for name, words in _PRIORITIES if any(re.fullmatch(words, one) for one in said)), ""
    )


def weight(heading: str) -> str:
    """The priority of all that stands under a heading such as "Nice to have"; mostly empty."""
    if level := _LEVEL.search(heading):
        return level[1].lower()
    return next((name for name, words in _WEIGHTS if words.match(heading)), "")


def weighed(heading: str) -> tuple[str, str]:
    """A heading without the weight in brackets behind it, and that as a field, if it has one.

    "Reports (priority: low)" is "Reports" and "Priority: low".
    """
    found = _BRACKETED.search(heading)
    if not found or not found.start():
        return heading, ""
    return heading[: found.start()], f"Priority: {found[found.lastindex or 0]}"


def is_excluded(text: str) -> bool:
    """Whether a row or field says that it is not to be done, as in "Priority: Won't"."""
    return any(map(_NEVER.fullmatch, _values([text], "prio", "moscow")))


def is_priority(text: str) -> bool:
    """Whether a line is a ticket's fields, its priority among them, and says nothing else."""
    return any(_values([text], "prio", "moscow")) and bool(_FIELDS.fullmatch(text))


def _values(texts: Iterable[str], *names: str) -> Iterator[str]:
    for text in texts:
        for found in _FIELD.finditer(text) if ":" in text else ():
            if any(name in found["name"].lower() for name in names):
                yield found["value"].lower()
