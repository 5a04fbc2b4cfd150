"""What a text says about itself or its sender: who wrote it and when, greetings, signatures."""

# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re

from worker.generation.nouns import begins_with_verb
from worker.generation.signals import is_demand

# What a document says about itself rather than about the product.
_IMPRINT = re.compile(
    r"(?:author|owner|status|date|version|reviewers?|approvers?|approved by|last updated|updated|"
    r"created|contact|due|deadline|target (?:date|release|version)|team|jira|"
    r"doc(?:ument)?\.? (?:id|owner|status|no\.?|number)|"
    r"prepared (?:by|for)|distribution|classification|client|customer|company|sponsor|department|"
    r"project(?: (?:name|manager|lead))?|product (?:name|owner|manager)|"
    r"nächster termin|prochaine réunion|próxima reunión|"
    r"autor(?:en)?|datum|stand|verantwortlich|auteurs?|statut|fecha|estado|versi[óo]n|data|autore)s?"
    r"\s*[:：]\s*\S.{0,120}|doc(?:ument)?\.? (?:no\.?|nr\.?|number) \S*\d.{0,60}",
    re.IGNORECASE,
)
# The fields of a ticket, a meeting or a plan, several of them in a line perhaps.
_FIELDS = re.compile(
    r"(?:type|issue type|priority|severity|component|reporter|assignee|labels|epic link|sprint|"
    r"environment|affects version|fix version|resolution|story points|estimate|present|absent|"
    r"anwesend|abwesend|entschuldigt|protokoll|teilnehmer|présents?|absents?|"
    r"asistentes|presenti|aanwezig|afwezig|"
    r"attendees|participants|next meeting|budget|location|linked issues)s?\s*:"
    r"\s*\S[^.!?]{0,200}\.?",
    re.IGNORECASE,
)
# "Status: accepted by sales" orders nothing.
_LONGEST_STATE = 3
# What the letters of a table stand for: "M = must, S = should".
_LEGEND = re.compile(r"(?:\w{1,3} ?= ?[^\W\d_]{2,20}[,;.]? ?){2,12}")
# A mail's head is one paragraph.
MAIL_FIELD = (
    "(?:From|To|Cc|Bcc|Sent|Subject|Von|An|Gesendet|Betreff|De|Da|À|Para|Objet|Asunto|Assunto|"
    "Oggetto|Van|Aan|Onderwerp)"
)
_MAIL = re.compile(
    r"(?:from|von|de|da|van)\s*:.{1,300}?(?<=\s)"
    r"(?:to|subject|sent|an|betreff|gesendet|à|objet|para|asunto|assunto|oggetto|aan|onderwerp)\s*:.*"
    r"|(?:subject|betreff|objet|asunto|assunto|oggetto|onderwerp)\s*:.*",
    re.IGNORECASE,
)
# "-- Jo Miller, Acme", as mails end.
_SIGNATURE = re.compile(r"-- \S.{0,300}")
# How a message begins and ends: "Hi team,", "Thanks, Jo".
_COURTESY = re.compile(
    r"(?:yes|no|ok(?:ay)?|agreed|sure|\+1)(?:,? please)?[.!]*|(?-i:[A-Z])[^\W\d_]{1,12},|"
    r"(?:hi|hello|hey|dear|good morning|hallo|liebe[rs]?|guten tag|bonjour|hola|ol[áa]|ciao)"
    r"(?:(?: [^\W\d_]+){0,4}[,!]| [^\W\d_]+)?|"
    r"(?:thx|thanks|thank you|many thanks|cheers|(?:kind |best |warm )?regards|"
    r"(?:viele|beste|liebe) grüße|danke|merci|cordialement|gracias|saludos|obrigad[oa]|grazie)"
    r"(?: (?:in advance|all|everyone|a lot|so much|vorab|im voraus|d'avance))?"
    r"(?:(?:[,.!]+ ?[^\W\d_]*| (?-i:[A-Z])[^\W\d_]*)(?: (?-i:[A-Z])[^\W\d_]*)?[.!]*)?",
    re.IGNORECASE,
)
# How it ends, with who sends it.
_CLOSING = re.compile(
    r"(?:(?:kind |best |warm |many )?regards|yours (?:sincerely|faithfully)|cordialement|"
    r"bien à vous|mit (?:freundlichen|besten|lieben) grüßen|viele grüße|(?:un )?saludos?|"
    r"atentamente|atenciosamente|(?:cordiali|distinti) saluti|met vriendelijke groet(?:en)?|"
    r"pozdrawiam|z poważaniem)(?:[,.!]? (?-i:[^\W\d_a-z])\S*(?: \S+){0,8})?[.!]?",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"(?:that['’]?s (?:it|all)|sorry(?:,| (?:it|this|that|for|about|if))|"
    r"(?:thanks|thank you) (?:for|again)|"
    r"(?:it was )?(?:good|great|nice|lovely) (?:talking|speaking|meeting|"
    r"to (?:meet|talk|see|hear))|good luck|have fun|looking forward)\b[^.!?]{0,80}[.!?]*",
    re.IGNORECASE,
)


# How far a document has come, and who may read it.
_STATE = re.compile(
    r"(?:(?:first|rough|working|early|final) )?draft(?: v?\d[\w.]{0,5})?"
    r"(?: ?[\u2013\u2014,(-] ?.{1,40})?|(?:strictly )?confidential|internal(?: use)? only|"
    r"work in progress|(?:entwurf|brouillon|borrador|rascunho|bozza)",
    re.IGNORECASE,
)


def is_imprint(text: str) -> bool:
    """Whether a line says who wrote the document, when, and the like, or greets."""
    if _COURTESY.fullmatch(text) or _CLOSING.fullmatch(text):
        return True
    if _SMALL_TALK.fullmatch(text):
        return not is_demand(text)
    if _LEGEND.fullmatch(text) or _STATE.fullmatch(text):
        return True
    around = (
        _IMPRINT.match(text)
        or _MAIL.fullmatch(text)
        or _SIGNATURE.fullmatch(text)
        or _FIELDS.fullmatch(text)
    )
    return bool(around) and not is_demand(text) and not _orders(text)


def _orders(text: str) -> bool:
    """Whether something is to be done for whom a label names: "Client: show the last bills"."""
    told = text.partition(":")[2].strip()
    return len(told.split()) > _LONGEST_STATE and begins_with_verb(told)
