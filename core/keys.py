"""API keys: `tfk_<id>_<secret><checksum>`, shown once, stored as a keyed hash."""

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass

from tickets.tokens import derive

_ALPHABET = string.digits + string.ascii_letters
_ID_LENGTH = 12
_SECRET_LENGTH = 32
_CHECKSUM_LENGTH = 6
_SHAPE = re.compile(
    rf"tfk_([0-9A-Za-z]{{{_ID_LENGTH}}})_([0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key as it is made.

    Attributes:
        id: Public; names the row.
        text: The whole key, for its owner only.
        hint: Its beginning and last four characters, for display.
    """

    id: str
    text: str
    hint: str


def make() -> NewKey:
    """A new random key, 190 bits of it secret."""
    id_ = _random(_ID_LENGTH)
    body = f"tfk_{id_}_{_random(_SECRET_LENGTH)}"
    text = body + _checksum(body)
    return NewKey(id=id_, text=text, hint=f"tfk_{id_}_…{text[-4:]}")


def id_of(text: str) -> str | None:
    """The id in a well-formed key; None for anything mistyped, without asking the database."""
    match = _SHAPE.fullmatch(text)
    if match is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return match[1]


class KeyHasher:
    """The keyed hash that stands in the database instead of a key."""

    def __init__(self, root: str) -> None:
        self._pepper = derive(root, "api-key-hash")

    def hash(self, text: str) -> bytes:
        return hmac.digest(self._pepper, text.encode(), hashlib.sha256)

    def matches(self, text: str, key_hash: bytes) -> bool:
        return hmac.compare_digest(self.hash(text), key_hash)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    """CRC-32 in base 62: finds a typing error, protects nothing."""
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits.rjust(_CHECKSUM_LENGTH, "0")
