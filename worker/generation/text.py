"""Cleaning and cutting of text that is not ours: specs and models' answers."""

import re
import unicodedata

# NUL, controls but tab and newline, lone surrogates.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_MARKUP = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|(\*\*|__|~~|`)|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")


def clean(text: str) -> str:
    """The text without what no tracker can store; line ends as newlines."""
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str) -> str:
    """The text on one line, spaces evened out."""
    return " ".join(clean(text).split())


def plain(text: str) -> str:
    """One line without Markdown's emphasis and link targets."""
    return one_line(_MARKUP.sub(lambda found: found.group(1) or "", text))


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


def folded(text: str) -> str:
    """What two titles have in common when they say the same."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"\w+", decomposed))


def tokens(text: str) -> int:
    """About how many tokens a text takes, rather too many than too few.

    English runs at four characters a token; what is not ASCII takes up to one
    token a character, and two or three bytes.
    """
    return len(text.encode("utf-8", "replace")) // 3 + 1
