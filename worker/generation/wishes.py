"""Titles made of what somebody asks for, in the ways in which people do: stories, wishes, notes."""

import re

from worker.generation import words
from worker.generation.nouns import begins_with_verb, is_name, mid, with_role
from worker.generation.text import capitalised

# What is mine in a story is theirs in its title.
_OWN = re.compile(r"\b(?:my|our)\b")
# "As a clerk, I want to see …": who, and what is seen or wanted.
_STORY = re.compile(
    r"^as (?P<article>an?|the|our) (?P<role>[^,]{2,40}),? "
    r"i (?:want|need|would like|can|should be able)(?P<to> to)? (?P<rest>.+)$",
    re.IGNORECASE,
)
# In notes the subject is often left out: "must work offline".
_BARE_MODAL = re.compile(
    r"^(?:it\s+)?(?:must|shall|should|needs? to|ha(?:s|ve) to)\s+(?!not\b|never\b)(?P<rest>\w.*)$",
    re.IGNORECASE,
)
# "We need a way to …", "the possibility of paying", but not "the possibility of fraud".
_MEANS = re.compile(
    r"^(?:(?:we|they|there) (?:need|want|should be|must be|has to be|is)s? )?"
    r"(?:an? |the |some )?(?:(?:\w+ )?way|means|ability|option|possibility|chance) "
    r"(?:to (?=\w)|of (?=\w+ing\b))",
    re.IGNORECASE,
)
# "It would be nice if we could …".
_NICE = re.compile(
    r"^(?:(?:it )?would be|it'd be|it is) (?:\w+ )?(?:nice|great|good|cool|helpful|handy|useful)"
    r"(?P<have> to have| if (?:we|they|there|users?) (?:had|was|were))?"
    r"(?: to| if (?:we|they|users|you) (?:could|can))? (?P<rest>\w.*)$",
    re.IGNORECASE,
)
# "We want drivers to see …"
_WANTED = re.compile(
    r"^we(?:'d| would)? (?:like|want|need) (?P<who>[^,]{2,40}?) to (?:be able to )?(?P<rest>\w.*)$",
    re.IGNORECASE,
)
# "Sarah wants a preview", but not "it wants care".
_WANTS = re.compile(
    r"^(?P<who>(?!(?:it|this|that|which|we|i|in|on|at|for|from|when|if|after|with)\b)"
    r"(?:(?!\bwhat\b)[\w ]){2,30}?) "
    r"(?:wants?|would like|asks? for|needs?(?! to\b))(?P<to> to)? (?P<rest>\w.*)$",
    re.IGNORECASE,
)
# "We still have to find out …"
_OURS = re.compile(
    r"^(?:we|you|i)(?:'ll)? (?:still |also |first |therefore |then )*"
    r"(?:must|should|will|need to|have to|want to|would like to|plan to|propose to|are going to|"
    r"intend to) (?:be able to )?(?!be\b|have\b|know\b|not\b)(?P<rest>\w.*)$",
    re.IGNORECASE,
)
# "…, so please cache the list"
_ASKED = re.compile(r"^(?:.*\W)?please (?P<rest>(?!note|see|find|refer|ask)\w.*)$", re.IGNORECASE)
# "be able to see" says no more than "see".
ABLE = re.compile(r"^be (?:able|allowed) to (?=\w)", re.IGNORECASE)
ADVERBS = re.compile(r"^(?:also|then|always|automatically|only|still|both)\s+", re.IGNORECASE)
_OBJECTS = {"they": "them", "he": "him", "she": "her", "i": "me"}


def wished(text: str) -> str | None:
    """From what somebody wants, in one of the ways in which people say so."""
    return _of_somebody(text) or _of_nobody(text)


def _of_somebody(text: str) -> str | None:
    if story := _STORY.match(text):
        acts = story["to"] or begins_with_verb(story["rest"])
        who = with_role(story["article"], story["role"])
        return f"{'Let' if acts else 'Give'} {who} {_OWN.sub('their', story['rest'])}"
    if means := _MEANS.match(text):
        return capitalised(_infinitive(ABLE.sub("", text[means.end() :])))
    if wanted := _WANTED.match(text):
        return f"Let {wanted['who']} {wanted['rest']}"
    if wants := _WANTS.match(text):
        who = wants["who"] if is_name(wants["who"]) else mid(wants["who"])
        return f"{'Let' if wants['to'] else 'Give'} {_OBJECTS.get(who, who)} {wants['rest']}"
    return None


def _of_nobody(text: str) -> str | None:
    if bare := _BARE_MODAL.match(text):
        return order(ABLE.sub("", bare["rest"]))
    if ours := _OURS.match(text):
        return capitalised(ADVERBS.sub("", ours["rest"]))
    if asked := _ASKED.match(text):
        return capitalised(asked["rest"])
    if nice := _NICE.match(text):
        return f"Add {nice['rest']}" if nice["have"] else capitalised(nice["rest"])
    return None


def _infinitive(rest: str) -> str:
    """What somebody does, told as "paying by card", as "pay by card"."""
    first, space, more = rest.partition(" ")
    return f"{words.BY_GERUND.get(first.lower(), first)}{space}{more}"


def order(rest: str) -> str:
    """What follows a modal as an order: "be fast" as "Make it fast"."""
    if rest.startswith("be "):
        return f"Make it {rest[3:]}"
    first = rest.partition(" ")[0].lower()
    return f"Make it {rest}" if first in words.INTRANSITIVE else capitalised(rest)
