"""Titles: a verb and what it is done to, made from a sentence of the spec.

Made for English. From any other language a title is the spec's own words.
"""

import re

from worker.generation import identifiers, words
from worker.generation.cutting import HANGING, LONGEST, ROOM, TAIL, trimmed
from worker.generation.nouns import (
    CALL,
    begins_with_verb,
    head,
    is_person,
    is_system,
    mid,
    speaks_of_people,
)
from worker.generation.tables import CELL_END
from worker.generation.text import capitalised, clipped
from worker.generation.wishes import ABLE, ADVERBS, order, wished

# "The portal must not show prices": who, how strongly, not, what.
_MODAL = re.compile(
    r"^(?P<subject>[^,;:]{2,60}?)\s+"
    r"(?P<modal>must|shall|should|can|may|will|needs? to|ha(?:s|ve) to|(?:is|are) able to|cannot|"
    r"can't|(?:is|are) (?:allowed|required) to)"
    r"(?P<not>\s+(?:not|never))?\s+(?P<rest>\S.*)$",
    re.IGNORECASE,
)
# What comes before a modal is no subject when it asks or states something by itself.
_CLAUSE = re.compile(
    r"^(?:all|both|neither|none|one|others|some)$|"  # of what has been named before
    r"n't\b|.\b(?:how|what|where|why|whether|said|says|knows?)\b|"
    r"\b(?:we|they|i|you) (?:have|had|are|were|want|need|get)\b|\band (?:nobody|no one|they|it)\b",
    re.IGNORECASE,
)
# Nor when it has a verb of its own: "each page has a test where a tool".
_SAYS = re.compile(
    r"(?:(?!\b(?:who|which|that|whose|where|when|with)\b).)+? (?:is|are|has|was|were)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\"[^\"]+\"|[“„][^“”„]+[”“]|«[^«»]+»")
# "I'd have to ask."
_SHORT_FOR = re.compile(r"(?:i|he|it|she|that|they|we|you)['\N{RIGHT SINGLE QUOTATION MARK}]\w")
# "We pay per seat, so …"
_REASON = re.compile(r"^(?:we|they|i) [^.;]{3,80}?, so (?:that )?(?=\w)", re.IGNORECASE)
# Where a sentence ends, but not behind "e.g.".
_SENTENCES = re.compile(r"\w{3,}[.!?](?:\s+|$)")
# "When the map opens, …": a case, a time or a place ahead of the subject.
_AHEAD = re.compile(
    r"^(?:if|when|whenever|once|after|before|for|in|on|at|as soon as|while|by default|during|until|"
    r"from|without|with|where|unless|then|also|finally|later|optionally)\b[^,]{0,80},\s+",
    re.IGNORECASE,
)
# "After five attempts the portal …", without a comma.
_LATE_SUBJECT = re.compile(
    r"^(?:if|when|once|after|before|for|in|on|at|while|during|until|above|below|within|without)"
    r"\s.*\w\s"
    r"((?:the|an?|each|every)\s\w+)$",
    re.IGNORECASE,
)
# What a test of acceptance comes to.
_GIVEN = re.compile(r"^given\b.*\bthen\s+", re.IGNORECASE)
# How people go on in a talk or a mail, and a requirement's number.
_FURTHER = re.compile(
    r"^(?:(?:also|and|but|plus|besides|furthermore|oh|so(?! that| far)),?\s+|"
    r"(?:ok(?:ay)?|yes|yeah|no|later)[,.!]\s+|(?:okay|ok|basically|anyway|actually),?\s+|"
    r"what (?:i|we|they) (?:really )?(?:need|want) is (?=\w)|"
    rf"(?-i:{identifiers.MARK})\s+)+",
    re.IGNORECASE,
)
_FAULT_LABEL = re.compile(
    r"^(?:known )?(?:bugs?|defects?|issues?|fehler)\b[^:.]{0,20}:\s*", re.IGNORECASE
)
# As in "Verbose errors (Medium, CVSS 5.3)".
_IN_BRACKETS = re.compile(r"(?<=\S) \([^()]{1,40}\)$")
# "Tom to build the list", behind the label of an action.
_ASSIGNED = re.compile(r"^(?-i:[A-Z][a-z]+) (?:to|will) (?=[a-z])")
_REMARK = re.compile(
    r"^(?:nice to have|must have|optional(?:ly)?|bonus|note|to ?do|required|description|decision|"
    r"recommendation|recommended (?:fix|action)|remediation|"
    r"decided|agreed|expected(?: (?:result|behaviou?r))?|action(?: item)?s?|task)\s*[:,-]\s*",
    re.IGNORECASE,
)
# The comma before the last of several things, unless a clause begins there.
_LAST_COMMA = re.compile(
    r"(,(?: (?!and |or )[\w'/-]+){1,3}), (?=(?:and|or) "
    r"(?!(?:it|they|he|she|you|we|this|that|the|an?|each|all|any|no|then|can|may|must)\b))"
)
_AND_VERB = re.compile(r"\b(and|or) (\w+)(?= \w)")
# What a sentence tells aside, before it goes on.
_BRACKETED = re.compile(r"(?<=\w) \([^()]{0,200}\)(?= \w)")
# The steps of a scenario, behind its name.
_STEPS = re.compile(r":\s(?:Given|When|Then)\b.*$")
# A figure that has to be kept: "p95 < 150 ms", "response time under 200 ms".
_FIGURE = re.compile(
    r"^(?!only\b)(?!.*\s(?:is|are)\s)(?:\w[\w%-]* ){1,6}?(?<!with )(?<!for )"
    r"(?:[<>≤≥]=?|under|below|within|at most|at least|no more than|up to) ?\d"
)
_CELLS = re.compile(rf"{CELL_END}[^:;]{{1,40}}: .*$")
_IRREGULAR = {"has": "have", "is": "be", "does": "do"}
_FORCED = ("must", "shall", "need", "ha", "is required", "are required")


def imperative(sentence: str) -> str | None:
    """What has to be done so that the sentence becomes true; None when it cannot be said."""
    text = _STEPS.sub("", _FURTHER.sub("", _unquoted(sentence.strip()).rstrip(".!… ")))
    text = _AHEAD.sub("", _GIVEN.sub("", _BRACKETED.sub("", text)))
    text = _LAST_COMMA.sub(r"\1 ", text)
    bare = _REMARK.sub("", text)
    text = _ASSIGNED.sub("", bare) if bare != text else bare
    if asked := wished(text):
        return trimmed(asked)
    if not text or _has_no_subject(text):
        return None
    modal = _MODAL.match(text)
    if modal and _SAYS.match(modal["subject"]):
        modal = None
    if modal and _SENTENCES.search(modal["subject"]):
        return imperative(re.split(r"[.!?]\s+", text, maxsplit=1)[0])
    if modal and _CLAUSE.search(modal["subject"]):
        return None
    if modal and not _ends_phrase(modal["subject"].split()[-1]):
        return trimmed(_from_modal(modal))
    if call := CALL.match(text):
        made: str | None = _from_call(call, text)
    else:
        made = capitalised(text) if begins_with_verb(text) else _from_statement(text)
    if not made and _FIGURE.match(text) and not speaks_of_people(text):
        made = f"Keep {mid(text)}"
    case, _, told = text.partition(": ")
    if not made and len(case.split()) > 4 and begins_with_verb(told):  # noqa: PLR2004 - a label is shorter
        made = capitalised(told)
    return trimmed(made) if made else None


def _unquoted(text: str) -> str:
    """A text without the quotation marks that it is in as a whole, or whose others are missing."""
    if _QUOTED.fullmatch(text):
        return text[1:-1]
    return text.strip('"') if text.count('"') % 2 else text


def _from_call(call: re.Match[str], text: str) -> str:
    """From "GET /rooms: list them, by date"; behind its path it says in short what it does."""
    rest = text[call.end() :]
    path = call[1].rstrip(":,;.")
    told = TAIL.sub("", rest.lstrip(" :\u2013\u2014-"))
    separated = path != call[1] or rest[:2] in {": ", " \u2013", " \u2014", " -"}
    return f"Implement {path}: {mid(told)}" if told and separated else f"Implement {path}"


def _has_no_subject(text: str) -> bool:
    """Whether a text begins with what a pronoun or a number stands for: "409 when it is taken"."""
    first, _, rest = text.lower().partition(" ")
    follows = rest.partition(" ")[0] in words.PHRASE_STARTS
    stands = first in words.PRONOUNS or _SHORT_FOR.match(first)
    return bool(stands) or (first.isdigit() and follows)


def _from_modal(found: re.Match[str]) -> str:
    subject = _LATE_SUBJECT.sub(r"\1", found["subject"].strip())
    subject = re.sub(r" (?:also|then|always|only|still|both)$", "", subject)
    whole = ADVERBS.sub("", found["rest"])
    rest = ABLE.sub("", whole)
    able = rest != whole or found["modal"].lower() in {"can", "may", "is able to", "are able to"}
    modal = found["modal"].lower()
    if found["not"] or modal in {"cannot", "can't"}:
        return f"Ensure that {mid(subject)} {_denied(subject, modal, rest)}"
    if is_system(subject) and not rest.startswith("be "):
        return order(rest)
    if is_person(subject):
        forced = modal.startswith(_FORCED) and not able
        return f"Require {mid(subject)} to {rest}" if forced else f"Let {mid(subject)} {rest}"
    if _goes_on(rest):
        return f"Make {mid(subject)} {rest}"
    if able and not subject.lower().startswith("no "):  # "no feature may use it"
        return f"Allow {mid(subject)} to {rest}"
    return f"Ensure that {mid(subject)} {_stated(subject, rest)}"


def _goes_on(rest: str) -> bool:
    """Whether what follows a modal has a second verb: "stop, wait and retry the call"."""
    further = re.findall(r"(?:,| and| or) (\w+)(?= \w)", rest.lower())
    return not rest.startswith("be ") and any(
        word in words.VERBS and word not in words.NOUNS_TOO for word in further
    )


def _denied(subject: str, modal: str, rest: str) -> str:
    if rest.startswith("be "):
        return f"{'are' if words.is_plural(head(subject)) else 'is'} never {rest[3:]}"
    if modal in {"will", "shall", "should"}:
        return f"{'do' if words.is_plural(head(subject)) else 'does'} not {rest}"
    return f"cannot {rest}"


def _stated(subject: str, rest: str) -> str:
    """The rest of a sentence without its modal: "be paid" as "are paid"."""
    verb, _, more = rest.partition(" ")
    plural = words.is_plural(head(subject))
    if not plural:
        more = _AND_VERB.sub(lambda found: f"{found[1]} {_in_third(found[2])}", more)
    if verb == "be":
        return f"{'are' if plural else 'is'} {more}"
    bare = verb.rstrip(",")
    return rest if plural else f"{words.third(bare)}{verb[len(bare) :]} {more}"


def _in_third(word: str) -> str:
    """A verb behind "and" as the first one: "load" as "loads"; any other word as it is."""
    sure = word in words.VERBS and word not in words.NOUNS_TOO | words.ADJECTIVES
    return words.third(word) if sure else word


def _from_statement(text: str) -> str | None:
    """From "the portal shows …", "customers see …" or "refunds are paid …"."""
    split = text.split()
    for place in range(1, min(7, len(split))):
        subject, verb, rest = split[:place], split[place].lower(), " ".join(split[place + 1 :])
        about = _LATE_SUBJECT.sub(r"\1", " ".join(subject))
        what_it_is = about.lower() == "it" and verb in {"is", "are"}
        if subject[-1].lower() in _ROWS or about.split()[0].lower() in _CASES:
            continue
        if _ends_phrase(subject[-1]) or "(" in about or not rest or what_it_is:
            return None
        if verb in {"is", "are"}:
            return f"Ensure that {mid(about)} {verb} {rest}"
        plural = words.is_plural(head(about))
        if verb in words.BY_THIRD and not plural:
            base = words.BY_THIRD[verb]
            if base in words.NOUNS_TOO and not (_is_sure(about) or _says_when(rest)):
                return None
            return _statement(about, base, verb, rest)
        plain = verb in words.VERBS and plural
        if plain and (verb not in words.NOUNS_TOO or is_person(about) or _says_when(rest)):
            return _statement(about, verb, verb, rest)
    return None


def _statement(subject: str, base: str, verb: str, rest: str) -> str:
    if is_system(subject):
        return f"{capitalised(base)} {_infinitives(rest)}"
    if is_person(subject):
        return f"Let {mid(subject)} {base} {_infinitives(rest)}"
    return f"Ensure that {mid(subject)} {verb} {rest}"


def _is_sure(subject: str) -> bool:
    """Whether it is a subject even before a word that could be a noun: "structured logs"."""
    determined = subject.lower().split()[0] in words.DETERMINERS
    return determined or is_person(subject) or is_system(subject)


def _says_when(rest: str) -> bool:
    """Whether what follows a word shows that it is a verb: "runs every night", "is run" apart."""
    return rest.lower().split()[0] in words.WHEN


def _infinitives(rest: str) -> str:
    """Turns "and offers it" into "and offer it", after a verb that has lost its s."""
    return re.sub(
        r"\b(and|or|then) (\w+s)\b",
        lambda found: (
            f"{found[1]} {_IRREGULAR.get(found[2]) or words.BY_THIRD.get(found[2], found[2])}"
        ),
        rest,
    )


_CASES = frozenset({"when", "whenever", "if", "while", "once", "until", "unless", "because"})
_DENIALS = frozenset({"no", "not", "never"})
_ROWS = frozenset({"and", "or"})
_JOINTS = frozenset({"to", "that", "which", "who", "if", "and", "or", "but"})


def _ends_phrase(word: str) -> bool:
    return word[-1] in ",;:)" or word.lower() in _JOINTS


def from_noun_phrase(text: str) -> str | None:
    """A title for an item that is no sentence, such as "photo upload, up to five"."""
    whole = _REMARK.sub("", _FURTHER.sub("", text.rstrip(". ")))
    bare = TAIL.sub("", whole)
    if not bare:  # a label alone, such as "Note:"
        return None
    size = len(bare.split())
    first = bare.partition(" ")[0].lower()
    told = first in words.PRONOUNS | _DENIALS or ". " in bare or _says_something(bare)
    if (size == 1 and bare != whole) or told:
        return quoted(whole)
    if not 1 <= size <= 7 or not bare[:1].isalnum():  # noqa: PLR2004 - longer ones are sentences
        return None
    return as_order(whole) or (quoted(whole) if first == "the" else f"Add {mid(bare)}")


def _says_something(text: str) -> bool:
    """Whether a line of notes has subject and verb, such as "vans report their position"."""
    first, *more = text.lower().split()
    verb = next((word for word in more if word not in {"only", "always", "also"}), "")
    return words.is_plural(first) and first not in words.SMALL and verb in words.VERBS


def from_row(text: str) -> str:
    """A title for a table's row, by the cell that names it."""
    cell = text.split(CELL_END, maxsplit=1)[0]
    told = imperative(cell) or as_order(cell)
    return told or clipped(f"Implement {mid(cell)}", ROOM)


def _may_order(text: str) -> bool:
    """Whether a text may begin with a verb, and reads well whether it does or not."""
    first, *more = text.lower().split()
    return first in words.VERBS and len(more) > 1


def as_order(text: str) -> str:
    """A text that reads as an order, whatever its first word is; else empty."""
    return quoted(text) if _may_order(text) else ""


def unlabelled(text: str) -> str:
    """A text without a label such as "Recommendation:"."""
    return _REMARK.sub("", text)


def from_fault(text: str) -> str:
    """A title for a fault, which is told rather than turned into its opposite."""
    named = _IN_BRACKETS.sub("", _FAULT_LABEL.sub("", _REMARK.sub("", _CELLS.sub("", text))))
    told = quoted(named)
    return told if told.lower().startswith("fix") else clipped(f"Fix: {told}", ROOM)


def quoted(text: str) -> str:
    """The beginning of a text, without a reason ahead, as a title of last resort."""
    told = _FURTHER.sub("", _REASON.sub("", _unquoted(text).rstrip(".!…。\uff01 ")))
    whole = _STEPS.sub("", told)
    ahead = _AHEAD.match(whole)
    begins = ahead.end() if ahead else 0
    bare = whole[:begins] + TAIL.sub("", whole[begins:])
    more = len(whole) > LONGEST or ". " in whole
    says = len(bare) > LONGEST // 2 or (more and len(bare.split()) > 4)  # noqa: PLR2004 - subject and verb
    says = says and bare.split()[-1].lower() not in HANGING
    return clipped(capitalised(bare if says else whole), ROOM)
