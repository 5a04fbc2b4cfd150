"""Header blocks of HTTP/2 without memory (HPACK, RFC 7541).

Both sides keep no table: what we send are literals, and our settings forbid
the server to remember any. So a block means the same whenever it comes, and
threads and connections share nothing.
"""

from collections.abc import Iterable

from hpack import Decoder, HPACKError

Headers = tuple[tuple[str, str], ...]

_STATIC_METHOD_POST = b"\x83"
_STATIC_SCHEME = {"http": b"\x86", "https": b"\x87"}
# A literal that nobody on the way may remember either: a credential is among them.
_LITERAL = b"\x10"
# What fits into the seven bits of a length that is not Huffman-coded.
_LENGTH_BITS = 0x7F
# First bytes of literals whose name is written out: not indexed, never indexed, indexed (which
# says nothing where there is no table).
_NAMED_LITERALS = frozenset({0x00, 0x10, 0x40})


class HeaderBlockError(Exception):
    """The block is not valid, or refers to a table that may not be kept."""


def encode_post(scheme: str) -> bytes:
    """The `:method` and `:scheme` of a POST."""
    return _STATIC_METHOD_POST + _STATIC_SCHEME[scheme]


def encode(headers: Iterable[tuple[str, str]]) -> bytes:
    """The fields, names in lower case, as literals."""
    block = bytearray()
    for name, value in headers:
        block += _LITERAL
        _add(block, name)
        _add(block, value)
    return bytes(block)


def decode(block: bytes) -> Headers:
    """The fields of a block.

    Raises:
        HeaderBlockError: It cannot be read without a table.
    """
    fields = _plain(block)
    return _any(block) if fields is None else fields


def _add(block: bytearray, text: str) -> None:
    raw = text.encode()
    length = len(raw)
    if length < _LENGTH_BITS:
        block.append(length)
    else:
        block.append(_LENGTH_BITS)
        length -= _LENGTH_BITS
        while length > _LENGTH_BITS:
            block.append(0x80 | (length & _LENGTH_BITS))
            length >>= 7
        block.append(length)
    block += raw


def _plain(block: bytes) -> Headers | None:
    """Reads what gRPC servers write, short literals; None for a block with anything else in it.

    Every answer ends with such a block, and it takes an eighth of the library's time.
    """
    fields = []
    place, end = 0, len(block)
    while place < end:
        name_at = place + 2
        if block[place] not in _NAMED_LITERALS or name_at >= end:
            return None
        value_at = name_at + block[name_at - 1] + 1
        if value_at > end or block[name_at - 1] >= _LENGTH_BITS:
            return None
        place = value_at + block[value_at - 1]
        if block[value_at - 1] >= _LENGTH_BITS:
            return None
        name, value = block[name_at : value_at - 1], block[value_at:place]
        fields.append((name.decode("latin-1"), value.decode("latin-1")))
    return tuple(fields) if place == end else None


def _any(block: bytes) -> Headers:
    """The library reads what is left: Huffman codes, the static table, long texts."""
    decoder = Decoder()
    decoder.max_allowed_table_size = 0
    decoder.header_table_size = 0
    try:
        return tuple((str(name), str(value)) for name, value in decoder.decode(block))
    except (HPACKError, UnicodeDecodeError) as fault:
        raise HeaderBlockError(str(fault)) from fault
