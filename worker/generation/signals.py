"""What single words say about a sentence.

Plain lists, for what a small model judges worse than a word does. A language
that is not listed is read by the structure of its spec alone.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re

from worker.generation.nouns import begins_with_verb
from worker.generation.text import any_word

_UNKNOWN = any_word(
    r"(?:do not|don't|not yet) know|"
    r"(?:has|have|is|are)(?: not|n't) (?:yet )?(?:agreed|decided|settled|confirmed)|"
    r"(?:has|have)(?: not|n't) (?:yet )?said|"
    r"not (?:yet )?(?:decided|clear|known)|unclear|to be decided|tbd|undecided|"
    r"not sure (?:if|whether|about|how|what)"
)
_STRONG = any_word(
    r"must|shall|required?|has to|have to|need(?:s|ed)? to|mandatory|never|always|doit|doivent|"
    r"muss|müssen|debe|deben|deve|devono|devem|moet|moeten|måste|ska"
)
# "As a clerk, I want …"
_STORY = re.compile(
    r"as an? |as (?:the|our|one of|somebody|someone)\b[^,]{2,60}, ?i\b|"
    r"als [^,]{2,60} (?:möchte|will|kann) ich\b|en tant qu(?:e |')|"
    r"como [^,]{2,60}?,? (?:quiero|quero|necesito|preciso)\b|"
    r"come [^,]{2,60}?,? (?:voglio|vorrei)\b",
    re.IGNORECASE,
)
# "May" is a month beside a number.
_WISH = any_word(r"must|shall|should|can|cannot|(?<!\d )(?<!\d\. )may(?! \d)|(?:is|are|be) able to")
_CONDITION = any_word(r"once|after|when|until|if|unless|(?<!not )needed")
# Behind these stands what is shown or asked: "how many hours were worked".
_CLAUSES = any_word("how|what|which|who|whose|that|whether")
_ASIDE_BEHIND = re.compile(r"\? \([^()]{1,100}\)$")
_ASIDE = re.compile(r"\([^()]{0,200}\)")
_WHOSE = any_word("which|who|whose")
# A word that is spoken of: "“shall” marks a requirement".
_NAMED_WORD = re.compile(r"[\"“'‘]\w+[\"”'’]")
_CANNOT = any_word(r"(?:nobody|no one|none) can|cannot|can't")
_CURRENT = any_word(
    r"currently|today(?!['’]s)|at the moment|right now|so far|until now|"
    r"last (?:year|quarter|month|week)|"
    r"in the past|we (?:get|receive|have seen|had|lost|lose)|complain(?:s|ed)?|used to|"
    r"per (?:day|week|month) (?:ask|call)|were|was|has been|have been|"
    r"(?<!is )(?<!are )(?<!be )(?<!been )"
    r"(?:said|told|explained|discussed|showed|liked|felt)(?! by\b)"
)
# A complaint, also where it says when.
_STUCK = any_word(r"we (?:cannot|can't|are unable to|struggle to)(?! (?:use|support|accept|allow))")
# Where something is today: "The login flow is in auth/login.py", but not "in km/h".
_FILE = re.compile(
    r"\b(?:(?:is|are) in `?[\w./-]*[\w-](?:/|\.[a-z]{1,4})|"
    r"(?:lives?|sits?) in (?=`?[\w.-]*/|\S*\.[a-z])`?[\w./-]+)`?[.!]?$"
)
_RISK = any_word(
    r"(?:the |a |main |biggest )?risks? (?:is|are|that|of)|there is a risk|risky|danger that|"
    r"(?:biggest|main|only) risk|(?:i am|i'm|we are|we're) (?:afraid|worried)|we fear|"
    r"il y a un risque|risque (?:que|de)|es besteht (?:das|ein) risiko|"
    r"(?:hay|existe) (?:un|el) riesgo|h[áa] (?:um|o) risco|c'è il rischio"
)
_FAULT = any_word(
    r"bugs?|broken|crash(?:es|ed|ing)?(?![- ](?:free|clusters?|reports?|rates?|logs?))|"
    r"regression(?! (?:suites?|tests?|testing))|defects?|does not work|doesn't work|"
    r"stopped working|flaky|no longer works?|"
    r"(?:goes|leads|links|points) to an? (?:404|500|error|dead)|"
    r"wrongly|incorrectly|bogues?|fehlerhaft|kaputt"
)
# Behind these a case is told: "if it is not confirmed" asks nothing.
_CASES = "if|when|whenever|that|which|who|unless|once|until|while"
_CASE = any_word(_CASES)
# Told of how things are, and of no case, reason or sequel.
_COMPLAINT = re.compile(
    rf"(?:(?!\b(?:{_CASES}|given|after|before|where|because|why|whether|so|in case|as soon|no)\b)."
    r"){2,100}?\b"
    r"(?:(?:is|are) (?:(?:still|much|far|way|often|very|really|so|sometimes) )*"
    r"(?:too (?!be\b)\w+|wrong|missing|incorrect|slow|unusable|unreadable)|times? out|"
    r"(?:hangs?|freezes?)(?=[,.;!]|$| (?:when|if|on|in|for|after|at|every|often|until|while)\b)|"
    r"fails? (?:with|on|in|for|sometimes|randomly|intermittently)|"
    r"(?:doesn't|don't) (?:work|load|open|find|save|sync|update|match|respond|render))\b",
    re.IGNORECASE,
)
# Faults are told in the first of several sentences.
_SENTENCE_END = re.compile(r"[.!?]\s")
_FAULTS_FOLLOW = any_word(
    r"bugs|defects|known (?:issues|problems)|faults|please fix|findings|fehler"
)
# Of a table with a column for what is to be done about a fault.
_MENDED = re.compile(
    r"[\u2013;] (?:recommended |proposed |suggested )?(?:fix|remedy|remediation|workaround|"
    r"korrektur|behebung): \S",
    re.IGNORECASE,
)
_TO_FIX = any_word(r"fix(?:es)? (?:the|an?|for|of)|(?:be|get) fixed")
# What comes first, and nothing else: "Depends on SHOP-7", "Blocked by: the ledger".
_ABOUT_ORDER = re.compile(
    r"(?:(?:this |it )?(?:depend(?:s|ing|enc(?:y|ies))?(?: on)?|(?:is )?blocked by|"
    r"prerequisites?|(?:starts?|begins?) (?:after|once|when)|linked issues|predecessors?)|"
    r"(?:this|it) (?:blocks|follows)|(?:blocks|follows)(?= *:| [A-Z]{2,10}-\d))\b",
    re.IGNORECASE,
)
_ORDER_LABEL = re.compile(r"(?:dependenc(?:y|ies)|depends on|blocked by)\s*:", re.IGNORECASE)
_NAME = r"(?!(?:that|which|where|who|with|so|and|using|to)\b)[^\s,;:]+"
_ALL = re.compile(
    r"(?:(?:we|i) (?:want|need|would like) to |we want you to |please |let['’]s )?"
    rf"(?:build|create|develop|design) (?:me |us )?(?:an?|our|the) {_NAME}(?: {_NAME}){{0,9}}",
    re.IGNORECASE,
)
# Begins behind what was said before: "It …", "Otherwise …", "404: …".
_LEANS = re.compile(
    r"(?:it(?! would be|(?: must| should)? be possible| is (?:possible|important))|its|they|their|"
    r"these|those|he|she|his|her|otherwise|else|if (?:not|so)|then|afterwards)\b|"
    r"(?:(?:http )?(?:responses?|status|returns?|errors?)(?: codes?)?:? [1-5]\d\d|"
    r"[1-5]\d\d(?= ?[:=(]| [\u2013\u2014-]| (?:when|if|for|on|with|unless)\b))(?!\d)",
    re.IGNORECASE,
)
# In quotation marks it is what a button says; "users won't have to sign in" asks for something.
_PUT_OFF = any_word(
    r"please (?:don['’]t|do not) (?:build|implement|develop|create|make|do)|"
    r"(?:what )?we (?:don't|do not|won't|will not) (?:need|want|build|plan)(?! to)|"
    r"^i (?:don't|do not) (?:need|want)(?! to)|"
    r"(?<![\"“'‘„«])(?:not now|(?:maybe|perhaps|possibly) later)|not needed (?:now|yet)|"
    r"(?:parked|postponed|deferred|descoped) (?:until|to|for)|"
    r"(?:it|that|this) can wait(?=[.!]?$)|won't (?:do|fix)|(?:^|(?<=\bwe ))won't have(?! to\b)|"
    r"(?:de momento|por ahora) no|vorerst nicht|pas pour l'instant|"
    r"nous ne (?:voulons|demandons|souhaitons|prévoyons) pas|wir wollen keine?n?|"
    r"(?:ist|sind) nicht (?:gefordert|vorgesehen|geplant)|no queremos|non vogliamo|"
    r"não queremos|(?:willen we|wij willen) (?:niet|geen)|"
    r"^(?:vertagt|verschoben|reporté|aplazado|adiado|rinviato)(?=\.?$)|"
    r"^out of scope|(?:is|are|remains?|stays?|considered|left) out of scope|out of scope[.!]?$|"
    r"not (?:a )?part of (?:this|the (?:[\w-]+ )?(?:release|version|phase|project|scope|work|mvp))|"
    r"in a (?:later|second) (?:phase|release|version)|"
    r"not (?:needed |planned )?(?:in|for) (?:this|the first) (?:release|version|phase)"
)
# "We don't want users to wait", "Please don't build stairs without a ramp": rules of what is built.
_RULED = re.compile(
    r"[^.;,]*?\b(?:want (?!an?\b)(?:[\w'’-]+ ){1,3}to\b|without\b(?! (?:it|that|them)\b))",
    re.IGNORECASE,
)
_CROSSED_OUT = re.compile(
    r"[❌❎✖✗✘🚫⛔]\ufe0f?\s*(?:no|not|without|keine?|sin|pas|sem|geen)\b", re.IGNORECASE
)
_ABOUT_US = re.compile(
    r"we\s+(?:currently |now |all |also |only )*"
    r"(?:run|make|sell|operate|serve|own|struggle|spend|lose|receive|get|are)\b|"
    r"i (?:keep|am|often|have an idea|only have)\b|fyi\b|"
    r"this (?:document|spec|specification|rfc|prd|proposal|page|epic|note) is\b|"
    r"(?:it )?depends on\b|see (?:\[|https?:)|"
    r"see (?:also|section|chapter|appendix|annex|below|above|attached)\b|"
    r"as (?:discussed|agreed|mentioned|promised)\b|"
    r"we need (?:this|it|that|everything|all of it) (?:by|before|until|within)\b",
    re.IGNORECASE,
)
_ABOUT_TEXT = re.compile(
    r"this (?:document|spec|specification|rfc|prd|proposal|page|epic|note) "
    r"(?:replaces?|describes?|proposes?|covers?|explains?|specifies|defines?|outlines?)\b|"
    r"(?:[^.:]{1,80} )?please find (?:below|attached|enclosed)\b|"
    r"following (?:our|the|your) (?:workshop|meeting|call|talk|discussion|conversation)\b|"
    r"(?:the )?(?:go-?live|launch|release|kick-?off|pilot)\b[^.]{0,40}? "
    r"(?:is|are) (?:planned|scheduled|expected|due|set) (?:for|on|in|by)\b|"
    r"the key ?words? [\"“'‘]",
    re.IGNORECASE,
)
# "We considered Kafka": talk, and no work.
_THOUGHT = re.compile(
    r"we (?:discussed|talked|considered|evaluated|rejected|ruled out|decided against)\b",
    re.IGNORECASE,
)
# "We want to build a small app", "The goal is …"
_AIM = re.compile(
    r"we (?:want|need|would like|are looking for|plan) (?:to build )?an? (?:[\w-]+ ){0,3}"
    r"(?:app|application|website|web ?site|system|platform|portal|tool|service)\b|"
    r"(?:the |our )?(?:main |overall |ultimate )?(?:goal|aim|objective|purpose)s? (?:is|are)\b|"
    r"(?:das |unser )ziel (?:ist|sind)\b|(?:l'|notre )objectif est\b|"
    r"(?:el |nuestro )objetivo es\b|(?:o |nosso )objetivo é\b|(?:l'|il nostro )obiettivo è\b",
    re.IGNORECASE,
)
# Of the whole it is told otherwise: "Our drivers need a better way to report".
_NEED = re.compile(
    r"(?!we |i |our )(?:[\w'’-]+ ){1,4}?(?:needs?|requires?) (?:an?|the|all|each|every|its|\d+) "
    r"(?!(?:[\w-]+ ){0,3}(?:way|tool|solution|system|app|application|platform|website|product)\b)",
    re.IGNORECASE,
)
_KEY_RESULT = re.compile(r"(?:KR|Key result) ?\d{0,2}(?:\.\d{1,2})? ?[:.] ", re.IGNORECASE)
_ASKS = re.compile(
    r"(?:ok(?:ay)?,? |so,? |and |but )*(?:what (?:if|about)|"
    r"(?:what|how|which|who|when|where|why) (?:do|does|should|would|will|can) "
    r"(?:we|you|i|it|they))\b|"
    r"(?:do|does|should|shall|can|may|will|is|are) (?:we|i|they|it|the)\b[^.?]{1,200}\?",
    re.IGNORECASE,
)
_INQUIRY = any_word(
    r"investigate|evaluate|research|find out|explore|prototype|spike|feasibility|proof of concept|"
    r"compare (?:options|alternatives|vendors)|decide (?:on|whether|which)"
)
_URGENT = any_word(
    r"critical|blocker|blocking|p0|showstopper|legally|by law|data loss|"
    r"security (?:hole|breach|incident)"
)
_WEIGHTY = any_word(
    r"(?<!not a )must|shall|security|secure|privacy|personal data|gdpr|compliance|payments?|"
    r"passwords?|never|mandatory"
)
_OPTIONAL = any_word(
    r"could|optional(?:ly)?|nice to have|if possible|eventually|bonus|someday|ideally|"
    r"not (?:a must|required|mandatory|essential|urgent)"
)


def _typed(text: str) -> str:
    """The text with apostrophes as they are typed, and its places as they are."""
    return text.replace("’", "'")


def is_question(text: str) -> bool:
    """Whether a sentence asks, or says that something is not known."""
    unknown = _UNKNOWN.search(_typed(text))
    in_a_case = unknown and _CASE.search(text[: unknown.start()])
    asks = (unknown and not in_a_case) or _ASKS.match(text)
    said = _ASIDE_BEHIND.sub("?", text)
    return bool(asks) or said.rstrip("\"')»” ").endswith(("?", "？"))


def is_risk(text: str) -> bool:
    return bool(_RISK.search(text))


def is_strong(text: str) -> bool:
    return bool(_STRONG.search(text))


def is_story(text: str) -> bool:
    """Whether a sentence is a user story."""
    return bool(_STORY.match(text))


def is_wish(text: str) -> bool:
    """Whether a sentence says what somebody is to have or to be able to do."""
    return is_story(text) or bool(_WISH.search(text))


def is_demand(text: str) -> bool:
    """Whether a sentence asks for something, in one way or the other."""
    return is_wish(text) or is_strong(text)


def is_about_all(text: str) -> bool:
    """Whether a sentence names a whole product to be made, and nothing of it."""
    return bool(_ALL.fullmatch(text))


def is_about_today(text: str) -> bool:
    """Whether a sentence tells how things are rather than how they shall be."""
    if begins_with_verb(text):  # "Show the posts liked by friends"
        return False
    if _STUCK.search(text) or _FILE.search(text):
        return True
    if not _CURRENT.search(_CLAUSES.split(_ASIDE.sub("", text), maxsplit=1)[0]):
        return False
    told = _CANNOT.sub("", text)  # a complaint
    return not (is_demand(told) or _CONDITION.search(told))


def is_demand_in_background(text: str) -> bool:
    """Whether a sentence asks for something where others tell what is bad today."""
    main = _WHOSE.split(text, maxsplit=1)[0]
    return is_demand(_CANNOT.sub("", _NAMED_WORD.sub("", main)))


def tells_a_need(text: str) -> bool:
    """Whether a sentence says what somebody needs, other than "we" or "I"."""
    return bool(_NEED.match(text))


def is_key_result(text: str) -> bool:
    """Whether a line is a figure that a plan is to be measured by, such as "KR1: …"."""
    return bool(_KEY_RESULT.match(text))


def is_aim(text: str) -> bool:
    """Whether a sentence says what all of the work is for."""
    return bool(_AIM.match(text))


def is_crossed_out(text: str) -> bool:
    """Whether a line says no twice: by a cross and by a word."""
    return bool(_CROSSED_OUT.match(text))


def is_put_off(text: str) -> bool:
    """Whether a sentence says that something is not to be done, or not yet."""
    text = _typed(text)
    found = _PUT_OFF.search(text)
    return found is not None and not _RULED.match(text, found.start())


def is_about_order(text: str) -> bool:
    """Whether a line only says what the work waits for."""
    labelled = _ORDER_LABEL.match(text)
    return bool(labelled or (_ABOUT_ORDER.match(text) and not is_demand(text)))


def leans(text: str) -> bool:
    """Whether a sentence says something only behind the one before it: "It …", "404: …"."""
    abbreviated = text[:2].isupper()  # the IT department
    return not abbreviated and bool(_LEANS.match(text))


def is_about_us(text: str) -> bool:
    """Whether a sentence tells who asks, or what the text is, rather than what is to be built."""
    if _ABOUT_TEXT.match(text):
        return True
    if _THOUGHT.match(text):
        return not is_strong(text)
    return bool(_ABOUT_US.match(text)) and not is_demand(text)


def announces_faults(text: str) -> bool:
    """Whether a line above a list says that faults are listed."""
    return bool(_FAULTS_FOLLOW.search(text)) and not is_wish(text)


def speaks_of_fault(text: str) -> bool:
    """Whether a sentence tells of what is broken, rather than of what must not break."""
    if _MENDED.search(text) or _TO_FIX.search(text) or (_FAULT.search(text) and not is_wish(text)):
        return True
    first = _SENTENCE_END.split(text, maxsplit=1)[0]
    return bool(_COMPLAINT.match(first)) and not is_wish(first)


def speaks_of_inquiry(text: str) -> bool:
    return bool(_INQUIRY.search(text))


def priority(texts: list[str]) -> str:
    """What the words of some sentences say about their weight; half of them have to say it."""
    if any(_URGENT.search(text) for text in texts):
        return "critical"
    if 2 * sum(bool(_WEIGHTY.search(text)) for text in texts) >= len(texts):
        return "high"
    return (
        "low" if 2 * sum(bool(_OPTIONAL.search(text)) for text in texts) >= len(texts) else "medium"
    )


def severity(text: str) -> str:
    if _URGENT.search(text):
        return "critical"
    return "high" if _WEIGHTY.search(text) else "medium"
