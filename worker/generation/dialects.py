"""A spec in another markup than Markdown as the Markdown that it stands for.

Known by their own marks: HTML, AsciiDoc, reStructuredText, Org, LaTeX, the wiki markup of Jira and
Confluence, Gherkin. Every character keeps its place, so that tickets cite the text that came in.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from worker.generation import html
from worker.generation.text import NOTHING

Found = re.Match[str]
Written = str | Callable[[Found], str]


@dataclass(frozen=True, slots=True)
class _Rule:
    """What stands for a mark.

    Attributes:
        pattern: The mark; its first group is kept.
        before: Stands right before what is kept, and closes the mark's room when nothing is.
        after: Stands right behind what is kept.
    """

    pattern: re.Pattern[str]
    before: Written = ""
    after: str = ""

    def apply(self, text: str) -> str:
        return self.pattern.sub(self._written, text)

    def _written(self, found: Found) -> str:
        before = self.before if isinstance(self.before, str) else self.before(found)
        kept = bool(found.lastindex)
        begins, ends = found.span(1) if kept else (found.end(), found.end())
        told = before + found.string[begins:ends] + self.after
        lead = _nothing(found.string[found.start() : begins])
        rest = _nothing(found.string[ends : found.end()])[len(self.after) :]
        room = len(found[0]) - len(told) - len(rest)
        return lead[:room] + told + rest if room >= 0 else found[0]


def _nothing(text: str) -> str:
    return "".join(letter if letter in "\r\n" else NOTHING for letter in text)


def _line(pattern: str, before: Written = "", after: str = "") -> _Rule:
    """A rule about whole lines, whatever ends them."""
    return _Rule(re.compile(rf"^{pattern}[ \t\r]*$", re.MULTILINE), before, after)


def _mark(pattern: str, before: Written = "", after: str = "") -> _Rule:
    return _Rule(re.compile(pattern, re.MULTILINE), before, after)


def _deep(mark: str) -> Written:
    """A heading by the length of its mark, or an item as far in as it is deep."""
    if mark == "#":
        return lambda found: "#" * min(len(found[0].split()[0]), 6) + " "
    return lambda found: " " * (len(found[0].split()[0]) - 1) + mark + " "


_FENCE = "```"
_BULLETS = _mark(r"^[*]{1,5} (?=\S)", _deep("-"))

_MARKDOWN = (
    _mark(r"\A\ufeff?---[ \t]*\r?\n[\w-]+:[^\n]*\n(?:[ \t]*[\w#-][^\n]*\n){0,60}?---[ \t\r]*$"),
    # Notes: GitHub, MkDocs, Docusaurus.
    _line(r"[ \t]{0,40}(?:>[ \t]{0,8})?\[!\w{3,20}\]"),
    _line(r"(?:!!!|\?\?\?\+?) \w[^\n]{0,80}"),
    _line(r":::[^\n]{0,80}"),
    # Pictures and badges that stand alone, and where links lead.
    _line(r"(?:[ \t]{0,40}\[?!\[[^\]\n]{0,200}\]\([^)\n]{0,500}\)(?:\]\([^)\n]{0,500}\))?)+"),
    _line(r"[ \t]{0,3}\[[^\]\n^]{1,80}\]:[ \t]*\S[^\n]{0,500}"),
    _mark(r"\[\^[\w-]{1,30}\]:?"),
    _mark(r"<(https?://[^\s<>]{1,300})>"),
    _mark(r"(?<![=\w])==(?=\S)([^=\n]{1,80})(?<=\S)==(?![=\w])"),
    _mark(r"(?<!\S):[a-z][a-z0-9_+-]{1,30}:(?!\S)"),
    _mark(r"<summary>(?=[^<\n]{1,100}</summary>)", "###### "),
    _mark(r"<br ?/?>", " "),
    _line(r"[ \t]{0,40}</?(?:details|div|p|center|picture)\b[^<>\n]{0,200}>"),
    _mark(r"</?summary>"),
    _mark(r"<(?:sub|sup|kbd|b|i|u|em|strong|mark|span)>([^<\n]{1,200})</\w{1,6}>"),
    _mark(r"&nbsp;", " "),
)
_ASCIIDOC = (
    _mark(r"^////[ \t\r]*\n(?:(?!////)[^\n]*\n){0,200}////[ \t\r]*$"),
    _line(r"//[^\n]*"),
    _line(r":!?[\w-]{1,40}!?:[^\n]*"),
    _mark(
        r"^\[[^\]\n]{0,200}header[^\]\n]{0,200}\][ \t\r]*\n\|===[ \t\r]*\n(?=\|)",
        "\n|",
    ),
    _line(r"\|==="),
    _line(r"\[(?:[a-z#.%\"][^\]\n]{0,200}|[A-Z]{3,12}|\[[^\]\n]{1,80}\])\]"),
    _line(r"(?:----|\.\.\.\.)-*", _FENCE),
    _line(r"(?:={4,}|\*{4,}|_{4,}|\+{4,})"),
    _mark(r"^={1,6} (?=\S)", _deep("#")),
    _mark(r"(?<=\S) ={1,6}[ \t\r]*$"),
    _mark(r"^\.{1,5} (?=\S)", _deep("-")),
    _BULLETS,
    _mark(r"^([ \t]*- \[)\*(?=\])", after="x"),
    _mark(r"^\.(?=[^\s.])"),
    _line(r"(?:image|include|video)::[^\n]{0,300}"),
    _mark(r"(?:link:|xref:)?(?:https?://)?[^\s\[\]<>]{1,200}\[([^\]\n]{1,200})\]"),
    _mark(r"<<(?:[^,>\n]{1,80},)?([^>\n]{1,80})>>"),
)
_RST = (
    _line(
        r"\.\. (?:contents|toctree|image|figure|raw|include|index|meta)::[^\n]*(?:\n[ \t]+:[^\n]*)*"
    ),
    _line(
        r"\.\. (?:code-block|code|sourcecode|highlight)::[^\n]*(?:\n[ \t]*\r?)*"
        r"(?:\n[ \t]+\S[^\n]*)*"
    ),
    _mark(r"^[ \t]*\.\. [\w-]{2,30}::[ \t]*"),
    _line(r"\.\. [^\n]*"),
    _mark(r"^:(?=[\w][\w -]{0,40}:\s)", "\N{BLACK CIRCLE}"),
    _mark(r"^([ \t]*)#\. (?=\S)", after="1. "),
    _mark(r"`([^`<\n]{1,200}?) ?<[^>`\n]{1,300}>`__?"),
    _mark(r":[a-z][a-z:+-]{1,30}:`([^`\n]{1,200})`"),
    _mark(r"(?<=\S):(?=:[ \t\r]*$)"),
    _line(r"\+(?:-+\+)+"),
)
_ORG = (
    _line(r"#\+(?i:begin|end)_(?i:src|example)[^\n]*", _FENCE),
    _line(r"#\+[^\n]*"),
    _line(r"# [^\n]*"),
    _mark(r"^[ \t]*:[A-Z]+:[ \t\r]*\n(?:[ \t]*:[^\n]*\n){0,50}?[ \t]*:END:[ \t\r]*$"),
    _line(r"[ \t]*(?:DEADLINE|SCHEDULED|CLOSED):[^\n]*"),
    _mark(r"^\*{1,6} (?:DONE|CANCELLED|CANCELED) (?:\[#[A-Z]\] )?", "- [x] "),
    _mark(r"^\*{1,6} (?:[A-Z]{4,10} )?(?:\[#[A-Z]\] )?(?=\S)", _deep("#")),
    _mark(r"(?<=\S)[ \t]{1,60}:[\w@:]{1,60}:[ \t\r]*$"),
    _mark(r"\[\[[^\]\n]{1,300}\]\[([^\]\n]{1,200})\]\]"),
)
_LEVELS = {"title": 1, "chapter": 1, "section": 2, "subsection": 3, "subsubsection": 4}
_LATEX = (
    _mark(r"(?<!\\)%[^\n]*"),
    _mark(r"^[ \t]*\\(?:begin|end)\{(?:verbatim|lstlisting|minted)\}[^\n]*$", _FENCE),
    _mark(
        r"\\(?:title|chapter|(?:sub){0,2}section)\*?\{([^{}\n]{1,200})\}",
        lambda found: "#" * _LEVELS[re.split(r"[\\*{]", found[0])[1]] + " ",
    ),
    _mark(r"(?:^[ \t]{0,60})?\\item\b[ \t]*(?:\[[^\]\n]{0,80}\])?", "- "),
    _mark(
        r"~?\\(?:documentclass|usepackage|author|date|label|cite|ref|begin|end|input|"
        r"bibliography\w*|pagestyle|vspace|hspace)\*?(?:\[[^\]\n]{0,200}\])?(?:\{[^{}\n]{0,200}\})+"
    ),
    _mark(r"\\[a-zA-Z]{2,20}\{([^{}\n]{0,300})\}"),
    _mark(r"\^\{?\\circ\}?", "\N{DEGREE SIGN}"),
    _mark(r"\\[,;: ]", " "),
    _mark(r"\\([%&$#_{}])"),
    _mark(r"\\[a-zA-Z]{2,20}\*?"),
    _mark(r"(?<!\\)\$([^$\n]{1,200})\$"),
)
_WIKI = (
    _mark(r"^\#{1,5} (?=\S)", _deep("-")),
    _mark(r"^h[1-6]\. +(?=\S)", lambda found: "#" * min(int(found[0][1]), 3) + " "),
    _BULLETS,
    _line(r"\{(?:code|noformat)(?::[^}\n]{0,100})?\}", _FENCE),
    _mark(
        r"\{(?:panel|info|note|tip|warning|expand):(?:[^}\n=|]{1,40}=[^}\n|]{0,80}\|){0,5}"
        r"title=([^}\n|]{1,80})(?:\|[^}\n]{0,200})?\}[ \t\r]*\n?",
        after=": ",
    ),
    _mark(
        r"\{(?:info|note|tip|warning|toc|panel|expand|section|column|anchor|status|color|quote)"
        r"(?::[^}\n]{0,200})?\}"
    ),
    _mark(r"\{\{([^}\n]{1,200})\}\}"),
    _mark(r"\[~([\w.@-]{1,60})\]"),
    _mark(r"\[([^|\]\n]{1,200})\|[^\]\n]{1,500}\]"),
    _line(r"!\S[^!\n]{0,200}!"),
)
_STEP_NAMES = (
    r"Scenario(?: Outline| Template)?|Example|Szenario(?:grundriss)?|Beispiel|Sc[ée]nario|"
    r"Plan du sc[ée]nario|Escenario|Esquema del escenario|Cen[áa]rio|Esquema do Cen[áa]rio"
)
_FEATURES = (
    r"Feature|Funktionalit[äa]t|Fonctionnalit[ée]|Caracter[íi]stica|Funcionalidade|Functionaliteit"
)
_GHERKIN = (
    _line(r"[ \t]*@\S[^\n]{0,200}"),
    _line(r"[ \t]*#[ \t][^\n]*"),
    _line(r"[ \t]*\"\"\"[^\n]{0,20}", _FENCE),
    _mark(rf"^[ \t]*(?:{_FEATURES}):[ \t]*(?=\S)", "# "),
    _mark(r"^[ \t]*(?:Rule|Regel|Regla|Règle|Regra):[ \t]*(?=\S)", "## "),
    _mark(
        r"^[ \t]*(?:Examples|Scenarios|Beispiele|Exemples|Ejemplos|Exemplos):[^\n]*\n"
        r"[ \t]*(?=\|)",
        "\n|",
    ),
    _mark(rf"^[ \t]*(?:{_STEP_NAMES}):[ \t]*(\S[^\r\n]{{0,200}})(?=[ \t\r]*$)", "- ", ": "),
    _mark(r"^[ \t]+(?=(?:Background|Grundlage|Contexte|Antecedentes|Contexto):)", "- "),
    # Without an indentation there is no room for an item's mark.
    _mark(r"^(?:Background|Grundlage|Antecedentes):", "- Context:"),
)

# Who says something at what time, on a line of its own in the log of a chat.
_SPEAKER = _line(r"[^\s|:*#>-][^\n|:]{0,30}?[ \t]{1,4}\d{1,2}:\d{2}(?:[ \t]?[AaPp][Mm])?")
_FEWEST_SPOKEN = 3
# Questions with their answers: the question is the heading.
_ASKED = "Q|F|P|Question|Frage|Pregunta|Pergunta"
_ANSWERED = "A|R|Answer|Antwort|Réponse|Respuesta|Resposta"
_ANSWERS = (
    _mark(rf"^\*\*(?:{_ANSWERED}) ?:\*\*[ \t]*"),
    _mark(rf"^(?:{_ANSWERED}) ?:[ \t]+"),
)
_QUESTIONS = (
    _mark(rf"^\*\*(?:{_ASKED}) ?\d{{0,3}} ?:\*\*[ \t]*(?=\S)", "#### "),
    _mark(rf"^\*\*(?:{_ASKED}) ?\d{{0,3}} ?:[ \t]*(?=[^\n*]{{1,80}}\*\*)", "**"),
    _mark(rf"^(?:{_ASKED}) ?\d{{0,3}} ?:[ \t]+(?=\S)", "## "),
)
_FEWEST_ANSWERS = 2

# Marks that hardly any other markup has, and what is made of a text with one of them.
_DIALECTS = (
    (re.compile(r"^(?:={1,5} \S|\|===[ \t\r]*$)", re.MULTILINE), _ASCIIDOC),
    (re.compile(r"\\(?:documentclass|begin|(?:sub)*section\*?)\{"), _LATEX),
    (
        re.compile(r"^(?:#\+[A-Za-z_]+:|\*+ (?:TODO|DONE) |[ \t]*:PROPERTIES:)", re.MULTILINE),
        _ORG,
    ),
    (re.compile(r"^(?:\.\. [\w-]{2,30}::|\.\. _\S|#\. \S)", re.MULTILINE), _RST),
    (re.compile(rf"^[ \t]*(?:{_FEATURES}|{_STEP_NAMES}):[ \t]*\S", re.MULTILINE), _GHERKIN),
)
# "h2. Rooms": no other markup has it.
_IS_WIKI = re.compile(r"^h[1-6]\. +\S", re.MULTILINE)
# These marks decide, even where others of a dialect stand in the text.
_IS_MARKDOWN = re.compile(r"^(?:#{2,6} \S|```)", re.MULTILINE)


def as_markdown(text: str) -> str:
    """The text as Markdown of its length, without comments; as it is if it is Markdown or none."""
    text = html.without_comments(text)
    if html.is_html(text):
        return html.as_markdown(text)
    told = text
    for rule in (*_talk(text), *_rules(text)):
        told = rule.apply(told)
    # Where all seems to be marks, as in a document of front matter alone, it is what is told.
    return told if any(map(str.isalnum, told)) else text


def _talk(text: str) -> tuple[_Rule, ...]:
    """What takes the marks of a talk away: who speaks, and what asks and answers."""
    speakers = (_SPEAKER,) if len(_SPEAKER.pattern.findall(text)) >= _FEWEST_SPOKEN else ()
    answers = sum(len(rule.pattern.findall(text)) for rule in _ANSWERS)
    asked = sum(len(rule.pattern.findall(text)) for rule in _QUESTIONS)
    talk = min(answers, asked) >= _FEWEST_ANSWERS
    return (*speakers, *_ANSWERS, *_QUESTIONS) if talk else speakers


def _rules(text: str) -> tuple[_Rule, ...]:
    if _IS_WIKI.search(text):
        return _WIKI
    if not _IS_MARKDOWN.search(text):
        for mark, rules in _DIALECTS:
            if mark.search(text):
                return rules
    return _MARKDOWN
