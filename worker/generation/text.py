"""Cleaning and cutting of text that is not ours: specs and models' answers."""

import re
import unicodedata

_QUOTES = "\"'\N{RIGHT DOUBLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}»"
_ENDS = ".!?…:;。！？"  # noqa: RUF001 - of other scripts, too
_COLONS = " :\N{FULLWIDTH COLON}"
_EASTERN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
# What begins a new line in one script or system or another.
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Marks that nobody sees: soft hyphens, spaces without width, orders for the direction of
# writing, annotations, tags. They make a text read otherwise than it looks.
INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e00ff"
)
# Two more join or part letters, and words of these scripts are spelled with them: Arabic and
# Syriac, the scripts of India and Sri Lanka, Myanmar, Khmer, Mongolian.
_JOINING = "\u0620-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
# Behind a virama a joiner makes another letter, also at the end of a word.
_VIRAMA = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
# Several symbols become one where they are joined.
_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_STRAY_JOINER = (
    "[\u200c\u200d]"
    f"(?!(?<=[{_JOINING}].)[{_JOINING}]|(?<=[{_VIRAMA}].)|(?<=[{_EMOJI}]\u200d)[{_EMOJI}])"
)
# It chooses a form of the character before it; a second one only hides something.
_SELECTOR = "[\ufe00-\ufe0f\U000e0100-\U000e01ef]"
# NUL, controls but tab and newline, lone surrogates.
_UNPRINTABLE = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{INVISIBLE}]|{_STRAY_JOINER}|"
    f"(?<={_SELECTOR}){_SELECTOR}"
)
_WORD = re.compile(r"\w+")
# Takes the place of what goes while the places of the rest must stay; `clean` takes it out.
NOTHING = "\N{ZERO WIDTH SPACE}"


def any_word(words: str) -> re.Pattern[str]:
    """Finds any of some words, or patterns of words, as whole words in small or capital letters."""
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


def clean(text: str) -> str:
    """The text without what no tracker can store and nobody can see; line ends as newlines."""
    if text.isascii() and text.isprintable():  # as most are
        return text
    return _UNPRINTABLE.sub("", _LINE_END.sub("\n", text))


def one_line(text: str) -> str:
    """The text on one line, spaces evened out."""
    return " ".join(clean(text).split())


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where that is possible."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1]
    at_word = cut.rpartition(" ")[0].rstrip(" ,;:\N{EN DASH}\N{EM DASH}-(")
    return at_word if len(at_word) > limit // 2 else text[:limit].rstrip()


def clipped(text: str, limit: int) -> str:
    """As `shorten`, with an ellipsis where something is left out."""
    return text if len(text) <= limit else f"{shorten(text, limit - 1)}…"


def capitalised(text: str) -> str:
    """The text with a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def ended(text: str) -> str:
    """The text with a full stop, unless it has an end of its own."""
    if text.rstrip(_QUOTES)[-1:] in _ENDS:
        return text
    return f"{text}\N{IDEOGRAPHIC FULL STOP}" if _EASTERN.search(text[-1:]) else f"{text}."


def announces(text: str) -> bool:
    """Whether a text ends with a colon, and says what stands below it."""
    return text.endswith(tuple(_COLONS))


def closed(text: str) -> str:
    """The text with a full stop for a colon at its end: what that announces stands elsewhere."""
    told = text.rstrip(_COLONS)
    return ended(told) if told and told != text else text


def folded(text: str) -> str:
    """What two titles have in common when they say the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_WORD.findall(decomposed))


def tokens(text: str) -> int:
    """About how many tokens a text takes, rather too many than too few.

    English runs at four characters a token; what is not ASCII takes up to one
    token a character, and two or three bytes.
    """
    return len(text.encode("utf-8", "replace")) // 3 + 1
