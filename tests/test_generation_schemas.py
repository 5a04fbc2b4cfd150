"""What the worker sends: shapes that any grammar takes, flags that stay, no call twice.

And what may come back: the same fields in any order.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cli.model_checks import model_checks
from tests.generation import SPEC, job, run, ticket
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.test_generation_long import diligent, long_spec
from tickets.settings import load
from worker.generation.job import GenerationError
from worker.provider import Provider

Json = dict[str, Any]

# Patterns, references, alternatives and the like are ignored by some grammars and break others.
_PLAIN = {
    "object": {"type", "properties", "required", "additionalProperties"},
    "array": {"type", "items", "minItems", "maxItems"},
    "string": {"type", "minLength", "maxLength", "enum"},
    "integer": {"type", "minimum", "maximum", "enum"},
}
# A repetition is unrolled in the grammar; llama.cpp refuses 2000 and more.
_LONGEST = 1000


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def empty_of_words(peer: OllamaPeer) -> None:
    """Tickets that cannot stay as they are: the bad ones are asked for again."""
    tickets = [ticket("Search rooms"), ticket("TBD", description="TBD", sources=[])]
    peer.replies["bad"] = json.dumps({"tickets": tickets})
    run(peer, job(title="Rooms [[peer: reply bad]]", ticket_count=2))


def everything_sent(peer: OllamaPeer) -> list[Json]:
    """The requests of jobs of each kind, with each kind of call."""
    for detail in ("compact", "standard", "detailed"):
        for epics in (True, False):
            run(peer, job(ticket_count=8, output_detail=detail, include_epics=epics))
            run(peer, job(output_detail=detail, include_epics=epics))
    run(peer, job(ticket_count=1))
    run(peer, job(title="Rooms [[peer: garbage-once x]]"))
    run(peer, job(title="Rooms [[peer: short]]", ticket_count=4, include_epics=False))
    run(peer, job(long_spec(2)), model=SMALL)
    empty_of_words(peer)
    peer.fill = diligent
    for epics in (True, False):
        run(peer, job(long_spec(24), ticket_count=30, include_epics=epics))
    return peer.chats()


def parts(schema: Json) -> Iterator[Json]:
    """A schema and all that is within it."""
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from parts(inner)
    if "items" in schema:
        yield from parts(schema["items"])


def names(schema: Json) -> set[str]:
    return {name for part in parts(schema) for name in part.get("properties", {})}


def test_every_schema_is_one_that_any_grammar_takes(peer: OllamaPeer) -> None:
    sent = [chat["format"] for chat in everything_sent(peer)]
    shapes = {frozenset(names(schema)) for schema in sent}
    assert len(shapes) >= 6, "whole, without epics, outline, batch, again, choice"
    assert_plain(sent)


def test_so_is_what_doctor_asks_with(peer: OllamaPeer) -> None:
    assert all(check.ok for check in model_checks(Provider(peer.url, model=LARGE), load({}, str)))
    sent = [chat["format"] for chat in peer.chats() if "format" in chat]
    assert sent
    assert_plain(sent)


def assert_plain(schemas: list[Json]) -> None:
    for part in (part for schema in schemas for part in parts(schema)):
        assert set(part) <= _PLAIN[part["type"]], part
        if part["type"] == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
        if part["type"] == "array":
            assert 0 <= part["minItems"] <= part["maxItems"] <= 100
        if part["type"] == "string":
            assert part.get("enum") or part["maxLength"] <= _LONGEST, part
        if part["type"] == "integer":
            assert part.get("enum") or part["minimum"] <= part["maximum"]


def test_no_schema_asks_for_what_code_can_fill_in(peer: OllamaPeer) -> None:
    for chat in everything_sent(peer):
        assert names(chat["format"]).isdisjoint(
            {"id", "external_id", "schema_version", "job_id", "metadata", "generation", "model"}
        )


def test_the_shape_is_told_in_words_too(peer: OllamaPeer) -> None:
    """The grammar is not shown to the model."""
    for chat in everything_sent(peer):
        told = "\n".join(message["content"] for message in chat["messages"])
        missing = {name for name in names(chat["format"]) if f'"{name}"' not in told}
        assert not missing


def test_every_call_says_what_it_needs_and_changes_nothing_else(peer: OllamaPeer) -> None:
    """Defaults depend on the machine, and each change of flags or window loads the model anew."""
    sent = everything_sent(peer)
    for chat in sent:
        assert set(chat["options"]) == {"num_ctx", "num_predict", "temperature"}
        assert 0 < chat["options"]["num_predict"] < chat["options"]["num_ctx"]
    flags = [(chat["stream"], chat["truncate"], chat["shift"], chat["keep_alive"]) for chat in sent]
    assert set(flags) == {(True, False, False, "10m")}
    assert {chat["options"]["num_ctx"] for chat in sent} <= {4096, 8192}


@pytest.mark.parametrize(
    "marker", ["length", "loop", "blank", "no-done", "garbage", "short", "load", "cuts 300"]
)
@pytest.mark.parametrize("count", [1, 6])
def test_no_call_that_has_failed_by_itself_is_made_again(
    peer: OllamaPeer, marker: str, count: int
) -> None:
    asked = job(title=f"Rooms [[peer: {marker}]]", ticket_count=count)
    with suppress(GenerationError):
        run(peer, asked)
    calls = [json.dumps(chat, sort_keys=True) for chat in peer.chats()]
    assert len(calls) == len(set(calls))


@pytest.mark.parametrize("model", [LARGE, SMALL])
@pytest.mark.parametrize("spec", [SPEC, long_spec(24)], ids=["short", "long"])
def test_order_of_keys_means_nothing(peer: OllamaPeer, model: str, spec: str) -> None:
    """A server may sort them."""
    asked = job(spec, ticket_count=12)
    plain = run(peer, asked, model=model)
    peer.always = "[[peer: sorted]]"
    found = run(peer, asked, model=model)
    for told in ("tickets", "risks", "open_questions", "source"):
        assert found[told] == plain[told]
