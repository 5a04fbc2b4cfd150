"""Header blocks, against the library that others read and write them with."""

from hpack import Decoder, Encoder
from hypothesis import example, given
from hypothesis import strategies as st

from edge.header_block import HeaderBlockError, decode, encode

NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=200)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=3_000)
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=8)


@given(fields=FIELDS)
def test_others_read_what_is_written(fields: list[tuple[str, str]]) -> None:
    decoder = Decoder(max_header_list_size=10**6)
    decoder.max_allowed_table_size = 0
    decoder.header_table_size = 0
    assert [(str(name), str(value)) for name, value in decoder.decode(encode(fields))] == fields


@given(fields=FIELDS, huffman=st.booleans())
def test_what_others_write_is_read(fields: list[tuple[str, str]], huffman: bool) -> None:
    encoder = Encoder()
    encoder.header_table_size = 0
    assert decode(encoder.encode(fields, huffman=huffman)) == tuple(fields)


@given(block=st.binary(max_size=300))
@example(block=b"\x00")
@example(block=b"\x00\x01")
def test_nonsense_is_refused(block: bytes) -> None:
    try:
        decode(block)
    except HeaderBlockError:
        return
    # What was taken is what the library takes it for, and needs no table.
    decoder = Decoder()
    decoder.max_allowed_table_size = 0
    decoder.header_table_size = 0
    decoder.decode(block)
