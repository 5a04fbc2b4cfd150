"""What a noun phrase names, how it reads within a title, and what begins with a verb instead."""

import re

from worker.generation import words

_NO_NAMES = words.DETERMINERS | words.PEOPLE | words.SMALL
# Between what is spoken of and what is said of it.
STATES = frozenset({"is", "are", "has", "have"})
PARTICLES = frozenset({"up", "off", "out", "over", "down"})
# A call of an interface, with its path.
CALL = re.compile(r"`?((?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) /[^\s`]*)`?")


def begins_with_verb(text: str) -> bool:
    """Whether a text reads as an order, such as "add the rooms", but not "order lookup"."""
    if CALL.match(text):
        return False
    first, _, rest = text.partition(" ")
    verb = first.lower().rstrip(",")
    if verb not in words.VERBS or not rest:
        return False
    if rest.split()[0].lower() in PARTICLES:
        return True
    return verb not in words.NOUNS_TOO or rest.split()[0].lower() in words.DETERMINERS


def is_person(subject: str) -> bool:
    """Whether a noun phrase names people."""
    return words.is_person(head(subject))


def is_system(subject: str) -> bool:
    """Whether a noun phrase names the product or a part of it."""
    return head(subject) in words.SYSTEMS


def head(subject: str) -> str:
    """The word that a noun phrase is about: the last one before "of", "with" and the like."""
    first = re.split(r"\s(?:of|with|for|in|on|at|from|who|whose|without|or|and)\s", subject)[0]
    return (first.lower().split() or [""])[-1].strip("\"'")


def mid(subject: str) -> str:
    """A subject in the middle of a title: no capital, unless it is a name."""
    first, _, rest = subject.partition(" ")
    named = len(first) > 1 and not first[1:].islower() and first.lower() not in _NO_NAMES
    return subject if named else f"{first.lower()} {rest}".strip()


def is_name(subject: str) -> bool:
    """Whether a subject is somebody's name, such as "Sarah"."""
    first = subject.split(maxsplit=1)[0]
    return first[0].isupper() and first.lower() not in _NO_NAMES and not words.is_plural(subject)


def with_role(article: str, role: str) -> str:
    """A role with its article: "a clerk", "the city", "drivers"."""
    return f"{article} {role}" if article.lower() in {"the", "our"} else _with_article(role)


def _with_article(role: str) -> str:
    return (
        role if words.is_plural(role) else f"{'an' if role[0].lower() in 'aeiou' else 'a'} {role}"
    )


def speaks_of_people(text: str) -> bool:
    """Whether a sentence begins with what somebody does or gets."""
    told = text.lower().partition(":")[0].split()[:6]
    return any(words.is_person(word.strip(".,")) for word in told)


def states(heading: str) -> bool:
    """Whether a heading is a whole sentence, such as "Errors have one shape"."""
    first, second, *more = (*heading.lower().split(), "", "")
    return bool(more[:-1]) and second in STATES and first not in words.DETERMINERS
