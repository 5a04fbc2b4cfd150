"""What single words say about a heading or a sentence.

Plain lists, for what a small model judges worse than a word does. A language
that is not listed is read by the structure of its spec alone.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from enum import StrEnum


class Topic(StrEnum):
    """What kind of text stands under a heading."""

    WORK = "work"
    BACKGROUND = "background"
    GOALS = "goals"
    OUTSIDE = "outside"
    RISKS = "risks"
    QUESTIONS = "questions"


def _any(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


# English, French, German, Spanish, Portuguese, Italian, Dutch; in some more languages what
# would else become tickets for what is excluded, feared or asked.
_TOPICS = {
    Topic.OUTSIDE: _any(
        r"non[- ]?goals?|not goals|out[- ]of[- ]scope|not in scope|outside (?:the )?scope|"
        r"exclusions?|later|hors[- ]p[ée]rim[èe]tre|nicht[- ]ziele?|nicht im umfang|abgrenzung|"
        r"fuera del? alcance|fora do escopo|fuori ambito|buiten (?:de )?scope|niet in scope|"
        r"poza zakresem|utanför omfattningen|uden ?for scope|utenfor omfang|mimo rozsah|"
        r"вне рамок|не входит|поза межами|kapsam dışı|範囲外|対象外|スコープ外|范围外|"
        r"不在范围内|범위 외"
    ),
    Topic.RISKS: _any(
        r"risks?|risques?|risiken|risiko|riesgos?|riscos?|rischi|rischio|concerns|"
        r"risico(?:'s|s)?|ryzyk[oa]|risker|risiko(?:er)?|rizika|риски|ризики|riskler|リスク|风险|위험"
    ),
    Topic.QUESTIONS: _any(
        r"(?:open|unresolved|outstanding) (?:questions?|points?|issues?)|questions|unknowns|"
        r"to be decided|questions? ouvertes?|points? ouverts?|offene (?:fragen|punkte)|"
        r"preguntas(?: abiertas)?|perguntas(?: em aberto)?|domande(?: aperte)?|"
        r"open(?:staande)? (?:vragen|punten)|otwarte pytania|pytania|öppna frågor|åbne spørgsmål|"
        r"åpne spørsmål|otevřené otázky|открытые вопросы|вопросы|відкриті питання|açık sorular|"
        r"未解決(?:の質問|事項)?|未决问题|待定问题|미해결 질문"
    ),
    Topic.GOALS: _any(
        r"^metrics$|goals?|objectives?|success (?:criteria|metrics|measures)|"
        r"metrics of success|kpis?|outcomes?|ziele?|objectifs?|objetivos?|obiettivi|doelen|"
        r"doelstellingen|cele|цели|цілі|目標|目标"
    ),
    Topic.BACKGROUND: _any(
        r"background|overview|introduction|intro|context|motivation|why|problem(?: statement)?|"
        r"summary|abstract|purpose|vision|glossary|terminology|current state|status quo|"
        r"assumptions?|annahmen|hypoth[èe]ses|supuestos|suposi[çc][õo]es|"
        r"stakeholders|references|timeline|schedule|team|budget|changelog|change history|"
        r"revision history|revisions|contexte|introduction|r[ée]sum[ée]|calendrier|zeitplan|"
        r"hintergrund|einleitung|überblick|kontext|ausgangslage|zusammenfassung|glossar|"
        r"contexto|introducci[óo]n|resumen|antecedentes|introdu[çc][ãa]o|resumo|contesto|"
        r"introduzione|sommario|achtergrond|inleiding|aanleiding|samenvatting|bakgrund|baggrund|"
        r"bakgrunn|введение|контекст|вступ|背景|概要|배경"
    ),
}

# A heading that tells where one is in a document and nothing about the product.
GENERIC = re.compile(
    r"(?:the )?(?:(?:functional|technical|product|business|user|general|detailed|"
    r"key|core|main|system|other|additional) )*(?:requirements?|features?|goals?|objectives?|"
    r"scope|in scope|specifications?|specs?|details?|description|acceptance criteria|criteria|"
    r"acceptance|user stories|stories|use cases|what we (?:want|need)|proposal|solution|"
    r"functionality|deliverables|steps|phases|user flows|tasks?|to ?do|notes?|"
    r"misc(?:ellaneous)?|other|general|behaviou?rs?|rules|how it works|what(?: to build)?|"
    r"design|implementation|exigences|besoins|contraintes|anforderungen|vorgaben|necesidades|"
    r"necessidades|restricciones|restri[çc][õo]es|vincoli|requisitos|requisiti|ziele|objectifs?|objetivos|obiettivi|fonctionnalit[ée]s|funktionen)",
    re.IGNORECASE,
)

# What stands under it says when the work above it is done.
ACCEPTANCE = re.compile(
    r"acceptance(?: criteria| tests?)?|criteria|definition of done|done when|akzeptanzkriterien|"
    r"abnahmekriterien|crit[èe]res d'acceptation|criterios de aceptaci[óo]n|"
    r"crit[ée]rios de aceita[çc][ãa]o|criteri di accettazione",
    re.IGNORECASE,
)

_LONGEST_LABEL = 3
_DASH = re.compile(r"( [-\u2013\u2014] )")
_OPEN = re.compile(
    r"(?:still )?open|(?:noch )?offen|ouvert|abierto|em aberto|aperto", re.IGNORECASE
)
_LONGEST_LEAD = 8
# Longer ones have a subject of their own.
_SHORT_HEADING = 5

_UNKNOWN = _any(
    r"(?:do not|don't|not yet) know|"
    r"(?:has|have|is|are)(?: not|n't) (?:yet )?(?:agreed|decided|settled|confirmed)|"
    r"(?:has|have)(?: not|n't) (?:yet )?said|"
    r"not (?:yet )?(?:decided|clear|known)|unclear|to be decided|tbd|undecided"
)
_STRONG = _any(
    r"must|shall|required?|has to|have to|need(?:s|ed)? to|mandatory|never|always|doit|doivent|"
    r"muss|müssen|debe|deben|deve|devono|devem|moet|moeten|måste|ska"
)
_STORY = re.compile(
    r"as an? |as (?:the|our|one of|somebody|someone)\b[^,]{2,60}, ?i\b|"
    r"als [^,]{2,60} (?:möchte|will|kann) ich\b|en tant qu(?:e |')|"
    r"como [^,]{2,60}, ?(?:quiero|quero|necesito|preciso)\b|come [^,]{2,60}, ?(?:voglio|vorrei)\b",
    re.IGNORECASE,
)
_WISH = _any(r"must|shall|should|can|cannot|may|(?:is|are|be) able to")
_CONDITION = _any(r"once|after|when|until|if|unless")
_CURRENT = _any(
    r"currently|today|at the moment|right now|so far|until now|last (?:year|quarter|month|week)|"
    r"in the past|we (?:get|receive|have seen|had|lost|lose)|complain(?:s|ed)?|used to|"
    r"per (?:day|week|month) (?:ask|call)|were|was|has been|have been"
)
_RISK = _any(
    r"(?:the |a |main |biggest )?risks? (?:is|are|that|of)|there is a risk|risky|danger that|"
    r"il y a un risque|risque (?:que|de)|es besteht (?:das|ein) risiko|"
    r"(?:hay|existe) (?:un|el) riesgo|h[áa] (?:um|o) risco|c'è il rischio"
)
_FAULT = _any(
    r"bugs?|broken|crash(?:es|ed|ing)?|regression|defects?|does not work|doesn't work|"
    r"stopped working|no longer works?|(?:goes|leads|links|points) to an? (?:404|500|error|dead)|"
    r"wrongly|incorrectly|bogues?|fehlerhaft|kaputt"
)
_TO_FIX = _any(r"fix(?:es)? (?:the|an?|for|of)|(?:be|get) fixed")
_FAULTS = _any(
    r"bugs?|bug ?fixes|fixes|defects?|faults|known (?:issues|problems)|regressions?|bogues?|"
    r"fehler(?:behebung|korrekturen)?|errores|erros|anomalies"
)
# What a document says about itself rather than about the product.
_IMPRINT = re.compile(
    r"(?:author|owner|status|date|version|reviewers?|approvers?|approved by|last updated|updated|"
    r"created|contact|due|deadline|target (?:date|release|version)|team|jira|"
    r"doc(?:ument)? (?:id|owner|status)|"
    r"autor(?:en)?|datum|stand|verantwortlich|auteurs?|statut|fecha|estado|versi[óo]n|data|autore)s?"
    r"\s*[:：]\s*\S.{0,120}",
    re.IGNORECASE,
)
_MAIL = re.compile(
    r"(?:from|von|de|da|van)\s*:.{1,300}?(?<=\s)"
    r"(?:to|subject|sent|an|betreff|gesendet|à|objet|para|asunto|assunto|oggetto|aan|onderwerp)\s*:.*"
    r"|(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp)\s*:.*",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"-- \S.{0,300}")
# How a message begins and ends: "Hi team,", "Thanks, Jo".
_COURTESY = re.compile(
    r"(?:hi|hello|hey|dear|good morning|hallo|liebe[rs]?|guten tag|bonjour|hola|ol[áa]|ciao)"
    r"(?:(?: [^\W\d_]+){0,4}[,!]| [^\W\d_]+)?|"
    r"(?:thx|thanks|thank you|many thanks|cheers|(?:kind |best |warm )?regards|"
    r"(?:viele|beste|liebe) grüße|danke|merci|cordialement|gracias|saludos|obrigad[oa]|grazie)"
    r"(?: (?:in advance|all|everyone|a lot|so much|vorab|im voraus|d'avance))?"
    r"(?:(?:[,.!]+ ?[^\W\d_]*| (?-i:[A-Z])[^\W\d_]*)(?: (?-i:[A-Z])[^\W\d_]*)?[.!]*)?",
    re.IGNORECASE,
)
_PUT_OFF = _any(
    r"not now|out of scope|not (?:a )?part of (?:this|the)|(?:maybe|perhaps|possibly) later|"
    r"in a (?:later|second) (?:phase|release|version)|"
    r"not (?:needed |planned )?(?:in|for) (?:this|the first) (?:release|version|phase)"
)
_ABOUT_US = re.compile(
    r"we\s+(?:currently |now |all |also |only )*"
    r"(?:run|sell|operate|serve|own|struggle|spend|lose|receive|get|are)\b|i (?:keep|am|often)\b|"
    r"this (?:document|spec|specification|rfc|prd|proposal|page|epic|note) is\b|"
    r"(?:it )?depends on\b|see (?:also )?\S|as (?:discussed|agreed|mentioned|promised)\b|"
    r"we need (?:this|it|that|everything|all of it) (?:by|before|until|within)\b",
    re.IGNORECASE,
)
_ABOUT_TEXT = re.compile(
    r"this (?:document|spec|specification|rfc|prd|proposal|page|epic|note) "
    r"(?:describes?|proposes?|covers?|explains?|specifies|defines?|outlines?)\b",
    re.IGNORECASE,
)
_AIM = re.compile(
    r"(?:the |our )?(?:main |overall |ultimate )?(?:goal|aim|objective|purpose)s? (?:is|are)\b|"
    r"(?:das |unser )ziel (?:ist|sind)\b|(?:l'|notre )objectif est\b|"
    r"(?:el |nuestro )objetivo es\b|(?:o |nosso )objetivo é\b|(?:l'|il nostro )obiettivo è\b",
    re.IGNORECASE,
)
_LEADS = re.compile(
    r"(?:what|which|who|how|where|here|the following|was|welche|wer|wie|folgendes|"
    r"ce que?|voici|lo que|qué|aquí|o que|aqui|cosa|ecco|wat|welke|hier)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:ok(?:ay)?,? |so,? |and |but )*(?:what (?:if|about)|"
    r"(?:what|how|which|who|when|where|why) (?:do|does|should|would|will|can) "
    r"(?:we|you|i|it|they))\b",
    re.IGNORECASE,
)
_INQUIRY = _any(
    r"investigate|evaluate|research|find out|explore|prototype|spike|feasibility|proof of concept|"
    r"compare (?:options|alternatives|vendors)|decide (?:on|whether|which)"
)
_URGENT = _any(
    r"critical|blocker|blocking|p0|showstopper|legally|by law|data loss|"
    r"security (?:hole|breach|incident)"
)
_WEIGHTY = _any(
    r"must|shall|security|secure|privacy|personal data|gdpr|compliance|payments?|"
    r"passwords?|never|mandatory"
)
_OPTIONAL = _any(r"could|optional(?:ly)?|nice to have|if possible|eventually|bonus|someday|ideally")


def topic(heading: str, path: tuple[str, ...]) -> Topic:
    """What stands under a heading; its own words count before those above it."""
    for name in (heading, *reversed(path)):
        for kind, words in _TOPICS.items():
            if len(name.split()) <= _SHORT_HEADING and words.search(name):
                return kind
    return Topic.WORK


def labelled(text: str) -> Topic | None:
    """What a paragraph is that begins with a label, such as "Background: …"; None without one."""
    label, mark, rest = text.partition(":")
    if not mark or len(label.split()) > _LONGEST_LABEL:
        label, mark, rest = _DASH.split(text, maxsplit=1) if _DASH.search(text) else ("", "", "")
    if not rest.strip() or len(label.split()) > _LONGEST_LABEL:
        return None
    if _OPEN.fullmatch(label) and is_question(rest):
        return Topic.QUESTIONS
    found = topic(label, ())
    if mark != ":":  # "Export - as CSV" names a feature
        return found if found in {Topic.RISKS, Topic.QUESTIONS} else None
    return None if found is Topic.WORK and not GENERIC.fullmatch(label.strip()) else found


def is_question(text: str) -> bool:
    """Whether a sentence asks, or says that something is not known."""
    asks = _UNKNOWN.search(text) or _ASKS.match(text)
    return bool(asks) or text.rstrip("\"')»” ").endswith(("?", "？"))


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


def is_about_today(text: str) -> bool:
    """Whether a sentence tells how things are rather than how they shall be."""
    wished = is_wish(text) or is_strong(text) or _CONDITION.search(text)
    return bool(_CURRENT.search(text)) and not wished


def is_aim(text: str) -> bool:
    """Whether a sentence says what all of the work is for."""
    return bool(_AIM.match(text))


def leads(text: str) -> bool:
    """Whether a line without a stop only says that a list follows, such as "what we need"."""
    told = len(text.split()) <= _LONGEST_LEAD and text[-1:].isalnum()
    names = _LEADS.match(text) or GENERIC.fullmatch(text)
    return bool(told and names) and not is_wish(text) and not is_strong(text)


def is_put_off(text: str) -> bool:
    """Whether a sentence says that something is not to be done, or not yet."""
    return bool(_PUT_OFF.search(text))


def is_imprint(text: str) -> bool:
    """Whether a line says who wrote the document, when, and the like, or greets."""
    if _IMPRINT.match(text) or _COURTESY.fullmatch(text):
        return True
    around = _MAIL.fullmatch(text) or _SIGNATURE.fullmatch(text)
    return bool(around) and not is_wish(text) and not is_strong(text)


def is_about_us(text: str) -> bool:
    """Whether a sentence tells who asks, or what the text is, rather than what is to be built."""
    if _ABOUT_TEXT.match(text):
        return True
    return bool(_ABOUT_US.match(text)) and not is_wish(text) and not is_strong(text)


def lists_faults(heading: str) -> bool:
    """Whether what stands under a heading are faults, however they are worded."""
    return len(heading.split()) <= _SHORT_HEADING + 2 and bool(_FAULTS.search(heading))


def speaks_of_fault(text: str) -> bool:
    """Whether a sentence tells of what is broken, rather than of what must not break."""
    return bool(_TO_FIX.search(text) or (_FAULT.search(text) and not is_wish(text)))


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
