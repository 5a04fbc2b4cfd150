"""What kind of text stands under a heading or behind a label, by their words.

Plain lists, as for sentences in `signals`.
"""
# ruff: noqa: RUF001 - the punctuation of other scripts is meant

import re
from enum import StrEnum
from functools import lru_cache

from worker.generation.signals import is_demand, is_question
from worker.generation.text import any_word


class Topic(StrEnum):
    """What kind of text stands under a heading."""

    WORK = "work"
    BACKGROUND = "background"
    GOALS = "goals"
    OUTSIDE = "outside"
    RISKS = "risks"
    QUESTIONS = "questions"
    # Asks for nothing, whatever its words: a signature, a fault with its remedy beside it.
    ASIDE = "aside"


def _all(words: str) -> re.Pattern[str]:
    """One or some of the words, with such as say which, and nothing else."""
    which = "the|our|project|product|business|executive|high-level|key|main|primary|brief|overall"
    one = rf"(?:(?:{which}) )*(?:{words})"
    return re.compile(rf"{one}(?:(?:,| and| &| ?/) {one})*", re.IGNORECASE)


# English, French, German, Spanish, Portuguese, Italian, Dutch; in some more languages what
# would else become tickets for what is excluded, feared or asked.
_TOPICS = {
    Topic.OUTSIDE: any_word(
        r"non[- ]?goals?|not goals|out[- ]of[- ]scope|not in scope|outside (?:the )?scope|"
        r"future (?:work|ideas?|enhancements?|plans?)|parking lot|not now|not yet|not included|"
        r"(?:won[’']t|will not|not going to) (?:do|have|build|be)|deferred|postponed|"
        r"^not (?:part of|planned|covered|doing|this)|"
        r"^not (?:in|for) (?:this|now|later|v?\d+|q[1-4]|(?:(?:the|our) )?"
        r"(?:(?:first|initial|current|next) )?"
        r"(?:scope|mvp|launch|release|version|phase|iteration|sprint|project|proposal|plan))|"
        r"ideas ?(?:/|for|and) ?later|"
        r"^what (?:we|this)\b(?!.*\b(?:must|should|may|can|know|have))"
        r"(?!.*\bhaven[’']t).*(?:\bnot|n[’']t)|"
        r"(?:requests|wishes|ideas|features) (?:that )?(?:we |were |have been )?"
        r"(?:declined|rejected|dropped)|"
        r"hors[- ]p[ée]rim[èe]tre|non inclus|"
        r"nicht[- ]ziele?|nicht (?:im umfang|gegenstand|enthalten|geplant|bestandteil|inbegriffen)|"
        r"abgrenzung|no incluid[oa]s?|não inclu[íi]d[oa]s?|non inclus[oi]|niet inbegrepen|"
        r"fuera del? alcance|fora do escopo|fuori ambito|buiten (?:de )?scope|niet in scope|"
        r"poza zakresem|utanför omfattningen|uden ?for scope|utenfor omfang|mimo rozsah|"
        r"вне рамок|не входит|поза межами|kapsam dışı|범위 외|خارج النطاق"
    ),
    Topic.RISKS: any_word(
        r"what (?:could|can|might) go wrong|risks|risques?|risiken|risiko|"
        r"riesgos?|riscos?|rischi|rischio|concerns|"
        r"risico(?:'s|s)?|ryzyk[oa]|risker|risiko(?:er)?|rizika|риски|ризики|riskler|위험|"
        r"المخاطر"
    ),
    Topic.QUESTIONS: any_word(
        r"(?:open|unresolved|outstanding) (?:questions?|points?|issues?)|unknowns|"
        r"to be (?:decided|clarified)|questions? ouvertes?|points? ouverts?|"
        r"offene (?:fragen|punkte)|zu klären|"
        r"preguntas(?: abiertas)?|perguntas(?: em aberto)?|domande(?: aperte)?|"
        r"open(?:staande)? (?:vragen|punten)|otwarte pytania|pytania|öppna frågor|åbne spørgsmål|"
        r"åpne spørsmål|otevřené otázky|открытые вопросы|вопросы|відкриті питання|açık sorular|"
        r"미해결 질문|أسئلة مفتوحة"
    ),
    Topic.GOALS: any_word(
        r"success (?:criteria|metrics|measures)|metrics of success|ziele?|objectifs?|objetivos?|"
        r"obiettivi|doelen|"
        r"doelstellingen|cele?|цели|цілі|الأهداف"
    ),
    Topic.BACKGROUND: any_word(
        r"background|introduction|(?:table of )?contents|inhaltsverzeichnis|table des matières|"
        r"motivation|^why|problem statement|glossary|terminology|"
        r"current (?:state|situation|process)|status quo|^(?:what|how) .*\b(?:today|currently)$|"
        r"who (?:is it|it is|is this) for|target (?:audience|groups?)|"
        r"(?:management|executive) summary|methodology|disclaimer|assumptions?|"
        r"annahmen|hypoth[èe]ses|supuestos|"
        r"suposi[çc][õo]es|stakeholders|changelog|(?:change|revision|document) history|"
        r"alternatives considered|(?:considered|rejected) alternatives|prior art|"
        r"steps to reproduce|entry into force|"
        r"contexte|introduction|r[ée]sum[ée]|vue d'ensemble|calendrier|zeitplan|"
        r"hintergrund|einleitung|überblick|kontext|ausgangslage|zusammenfassung|glossar|"
        r"contexto|introducci[óo]n|resumen|visi[óo]n general|antecedentes|introdu[çc][ãa]o|resumo|"
        r"vis[ãa]o geral|contesto|introduzione|sommario|achtergrond|inleiding|aanleiding|"
        r"samenvatting|bakgrund|baggrund|bakgrunn|введение|контекст|вступ|배경|مقدمة|خلفية|"
        r"glossaire|glosario|gloss[áa]rio|słownik|begrippenlijst|wprowadzenie|"
        r"historique des (?:versions|r[ée]visions)|historial de (?:versiones|cambios)|"
        r"hist[óo]rico de (?:vers[õo]es|revis[õo]es)|(?:änderungs|versions)historie|historia zmian|"
        r"situation actuelle|situaci[óo]n actual|situa[çc][ãa]o atual|situazione attuale|"
        r"huidige situatie|stan obecny|ist-?(?:zustand|stand|analyse)"
    ),
}
# Between words of these scripts there are no spaces; so long a heading says more.
_EASTERN = {
    Topic.OUTSIDE: re.compile(
        r"範囲外|対象外|スコープ外|范围外|不在范围内|暂不|不考虑|不包括|非目标"
    ),
    Topic.RISKS: re.compile(r"リスク|风险"),
    Topic.QUESTIONS: re.compile(r"未解決|未決|要確認|未决|待定|待确认|待解决"),
    Topic.GOALS: re.compile(r"目標|目的$|目标"),
    Topic.BACKGROUND: re.compile(r"背景|概要|現状|现状|用語|术语|改訂履歴|修订记录|变更记录"),
}
_LONGEST_EASTERN = 8
# These are also words of products, as in "team calendar" or "pay later": alone they name a topic.
_ALONE = {
    Topic.OUTSIDE: _all(r"later|someday|exclusions?|future|parked|done"),
    Topic.RISKS: _all(r"risk(?: (?:register|analysis|assessment))?"),
    Topic.QUESTIONS: _all(r"questions|unclear"),
    Topic.GOALS: _all(r"goals?|objectives?|metrics|kpis?|outcomes?"),
    Topic.BACKGROUND: _all(
        r"abstract|agenda|acknowledge?ments|alternatives|annex|appendix(?: \w)?(?:: .*)?|"
        r"attendees|dependenc(?:ies|y)|"
        r"begriffe|begrippen|budget|context|deadline|passed|governing law|"
        r"jurisdiction|liability|payment terms|"
        r"positive (?:observations?|findings)|anhang|annexes|bijlagen?|zał[ąa]czniki?|"
        r"contributing|contributors|definiciones|"
        r"defini[çc][õo]es|definizioni|definitions?|d[ée]finitions|examples?|footnotes|"
        r"further reading|getting started|quick ?start|usage|intro|"
        r"licen[sc]e|links|observed|overview|participants|present|problem|"
        r"purpose|rationale|references|related work|resources|revisions|schedule|see also|"
        r"subject matter|summary|team|terms|timeline|milestones?|"
        r"meilensteine|terminplan|échéancier|jalons|cronograma|hitos|plazos|prazos|"
        r"tempistiche|traceability(?: matrix)?|(?:user|target|buyer) personas|"
        r"target (?:users|audience)|(?:project|delivery|release) (?:schedule|timeline)|tl;?dr|"
        r"vision|why|actual(?: (?:result|behaviou?r))?"
    ),
}

# A heading that tells where one is in a document and nothing about the product.
GENERIC = re.compile(
    r"(?!technical requirements)(?:the )?(?:(?:functional|technical|product|business|user|general|"
    r"detailed|key|core|main|system|other|additional|proposed|suggested|planned|"
    r"expected) )*(?:requirements?|features?|goals?|objectives?|"
    r"scope|in scope|specifications?|specs?|details?|description|acceptance criteria|criteria|"
    r"acceptance|user stories|stories|use cases|what we (?:want|need)(?: instead)?|proposal|"
    r"solution|functionality|deliverables|steps|phases|user flows|tasks?|to ?do|notes?|"
    r"misc(?:ellaneous)?|other|general|behaviou?rs?|rules|how it works|what(?: to build)?|"
    r"design|implementation|(?:must|should|could|nice)[- ](?:to[- ])?haves?(?: (?:for|in) .*)?|"
    r"wish(?:es| ?list)|todos?|doing|in progress|blocked|backlog|next steps|initiatives|"
    r"before|after|during|scope of (?:work|services)|conclusions?|"
    r"what we (?:concluded|decided|agreed)(?: on)?|prerequisites|preconditions|requests|"
    r"to ?do list|must|should|could|won['’]?t|p[0-4]|mvp|"
    r"what we(?:['’]re after| are after)|decisions?|actions?(?: items?)?|aob|any other business|"
    r"wymagania(?: funkcjonalne)?|wünsche|voraussetzungen|funcionalidades|"
    r"tech(?:nical)? debt|improvements|enhancements|changes|change requests?|"
    r"funktionale anforderungen|besoins fonctionnels|exigences fonctionnelles|"
    r"requisitos funciona(?:les|is)|requisiti funzionali|"
    r"functionele eisen|eisen|wensen|機能要件|要件|機能|要求|(?:功能)?(?:需求|要求)|功能|"
    r"(?:функциональные )?требования|المتطلبات|exigences|besoins|contraintes|anforderungen|"
    r"vorgaben|necesidades|"
    r"necessidades|restricciones|restri[çc][õo]es|vincoli|requisitos|requisiti|ziele|objectifs?|"
    r"objetivos|obiettivi|fonctionnalit[ée]s|funktionen)",
    re.IGNORECASE,
)

# What stands under it says when the work above it is done.
ACCEPTANCE = re.compile(
    r"acceptance(?: criteria| tests?)?|criteria|definition of done|done when|akzeptanzkriterien|"
    r"abnahmekriterien|crit[èe]res d'acceptation|criterios de aceptaci[óo]n|"
    r"crit[ée]rios de aceita[çc][ãa]o|criteri di accettazione",
    re.IGNORECASE,
)

# Also in a list these tell what is so.
_IN_LISTS = re.compile(rf"{_TOPICS[Topic.BACKGROUND].pattern}|^context$", re.IGNORECASE)
# Headings of a board; in front of a text they are what something may be: "Done: shown in green".
_STATES = re.compile(r"done|parked|passed", re.IGNORECASE)
_LABEL_WORDS = 3
# "Risk - the supplier may close"
_DASH = re.compile(r"( [-\u2013\u2014] )")
_OPEN = re.compile(
    r"(?:still )?open|(?:noch )?offen|ouvert|abierto|em aberto|aperto", re.IGNORECASE
)
_LONGEST_LEAD = 8
# Longer ones have a subject of their own.
_SHORT_HEADING = 5


# "What we need", "The following": how a line ahead of a list begins.
_LEADS = re.compile(
    r"(?:what|which|who|how|where|here|the following|was|welche|wer|wie|folgendes|"
    r"ce que?|voici|lo que|qué|aquí|o que|aqui|cosa|ecco|wat|welke|hier)\b",
    re.IGNORECASE,
)

_FAULTS = any_word(
    r"bugs?|bug ?fixes|fixes|defects?|faults|known (?:issues|problems)|regressions?|bogues?|"
    r"pain ?points?|top (?:pains|complaints|issues)|findings|"
    r"fehler(?:behebung|korrekturen)?|errores|erros|anomalies"
)


_SUMMED = re.compile(r"tl;?dr\b", re.IGNORECASE)
_REMEDY = re.compile(
    r"(?:recommend(?:ation|ed fix|ed action)|remed(?:iation|y)|(?:suggested |proposed )?fix|"
    r"mitigation|empfehlung|maßnahme|recommandation|recomendaci[óo]n|recomenda[çc][ãa]o|"
    r"raccomandazione)s?\s*:",
    re.IGNORECASE,
)
_TOLD_OF_FAULT = re.compile(
    r"(?:description|details|impact|evidence|observation|finding|issue|problem|cause|"
    r"root cause|proof of concept|beschreibung|auswirkung|nachweis|constat|descripci[óo]n|"
    r"descri[çc][ãa]o|descrizione)s?\s*:",
    re.IGNORECASE,
)


def topic(heading: str, path: tuple[str, ...]) -> Topic:
    """What stands under a heading; its own words count before those above it."""
    return next(filter(None, map(_named, (heading, *reversed(path)))), Topic.WORK)


@lru_cache(maxsize=4096)
def _named(name: str) -> Topic | None:
    if len(name.split()) > _SHORT_HEADING:
        return None
    by_words = (kind for kind, words in _TOPICS.items() if words.search(name))
    alone = (kind for kind, words in _ALONE.items() if words.fullmatch(name))
    short = len(name) <= _LONGEST_EASTERN
    eastern = (kind for kind, words in _EASTERN.items() if short and words.search(name))
    return next(by_words, None) or next(alone, None) or next(eastern, None)


def labelled(text: str, *, listed: bool = False) -> Topic | None:
    """What a paragraph is that begins with a label, such as "Background: …"; None without one.

    In a list "Team: …" is more likely a part of the product than of the document.
    """
    if text.startswith("-- ") or _SUMMED.match(text):  # the signature of a mail
        return Topic.ASIDE
    label, mark, rest = text.partition(":")
    if not mark or len(label.split()) > _LABEL_WORDS:
        label, mark, rest = _DASH.split(text, maxsplit=1) if _DASH.search(text) else ("", "", "")
    if not rest.strip() or len(label.split()) > _LABEL_WORDS:
        return None
    if _OPEN.fullmatch(label) and is_question(rest):
        return Topic.QUESTIONS
    found = topic(label, ())
    of_product = listed and found is Topic.BACKGROUND and not _IN_LISTS.search(label)
    if of_product or _STATES.fullmatch(label):
        return None
    if mark != ":":  # "Export - as CSV" names a feature
        return found if found in {Topic.RISKS, Topic.QUESTIONS} else None
    return None if found is Topic.WORK and not GENERIC.fullmatch(label.strip()) else found


def leads(text: str) -> bool:
    """Whether a line without a stop only says that a list follows, such as "what we need"."""
    told = len(text.split()) <= _LONGEST_LEAD and text[-1:].isalnum()
    names = _LEADS.match(text) or GENERIC.fullmatch(text)
    return bool(told and names) and not is_demand(text)


def lists_faults(heading: str) -> bool:
    """Whether what stands under a heading are faults, however they are worded."""
    return len(heading.split()) <= _SHORT_HEADING + 2 and bool(_FAULTS.search(heading))


def is_finding(heading: str, path: tuple[str, ...]) -> bool:
    """Whether a heading names one of the faults that a chapter of the document lists."""
    return bool(heading) and any(map(lists_faults, path[1:])) and not lists_faults(heading)


def is_remedy(text: str) -> bool:
    """Whether a paragraph says by its label what is to be done about a fault."""
    return bool(_REMEDY.match(text))


def tells_finding(text: str) -> bool:
    """Whether a paragraph says by its label what a fault is, and not what to do about it."""
    return bool(_TOLD_OF_FAULT.match(text))
