"""What some releases of Ollama, some models and what stands between do otherwise."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from tests.asking import SCHEMA, ask
from tests.generation import job, run
from tests.ollama_peer import LARGE, OllamaPeer
from tickets.errors import JobErrorCode
from worker.cancellation import Cancellation
from worker.generation.job import GenerationError
from worker.generation.journal import Journal
from worker.ollama import Limits, OllamaClient, RefusedError
from worker.provider import Provider


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def refusal(peer: OllamaPeer, marker: str) -> GenerationError:
    with pytest.raises(GenerationError) as caught:
        ask(Provider(peer.url, model=LARGE), f"[[peer: {marker}]]")
    return caught.value


@pytest.mark.parametrize("marker", ["old-schema", "older-schema"])
def test_a_schema_is_refused_in_older_ways(peer: OllamaPeer, marker: str) -> None:
    found = Provider(peer.url, model=LARGE)
    assert ask(found, f"[[peer: {marker}]]").text
    assert ask(found, f"[[peer: {marker}]]").text
    assert [sent["format"] for sent in peer.chats()] == [SCHEMA, "json", "json"]


def test_an_answer_where_thoughts_belong_is_taken_and_on_record(peer: OllamaPeer) -> None:
    journal = Journal()
    result = run(peer, job(title="Rooms [[peer: murmurs]]"), journal=journal)
    assert result["tickets"]
    (call,) = journal.calls
    assert set(json.loads(call.text)) >= {"tickets"}


def test_thoughts_that_take_all_the_room_are_no_answer(peer: OllamaPeer) -> None:
    reply = ask(Provider(peer.url, model=LARGE), "[[peer: murmurs]] [[peer: length]]")
    assert (reply.text, reply.finish_reason) == ("", "length")


def test_a_line_without_end_in_depth_is_no_ollama(peer: OllamaPeer) -> None:
    peer.replies["deep"] = "[" * 100_000
    fault = refusal(peer, "line deep")
    assert (fault.code, fault.retryable) == (JobErrorCode.OLLAMA_UNAVAILABLE, True)
    assert "does not speak the Ollama protocol" in fault.message


@pytest.mark.parametrize("count", [10**30, -1, 1.5, True, "7"])
def test_a_count_that_can_be_none_is_unknown(peer: OllamaPeer, count: Any) -> None:
    last = {"message": {"content": "{}"}, "done": True, "done_reason": "stop"}
    peer.replies["odd"] = json.dumps({**last, "prompt_eval_count": count, "eval_count": count})
    reply = ask(Provider(peer.url, model=LARGE), "[[peer: line odd]]")
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


def test_a_busy_server_may_name_a_date(peer: OllamaPeer) -> None:
    peer.retry_after = formatdate(time.time() + 40, usegmt=True)
    asked = refusal(peer, "status 503").retry_after
    assert asked is not None
    assert 20 <= asked.total_seconds() <= 40


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("soon", None), ("", None), ("9" * 400, 3600), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_a_wait_is_bounded(peer: OllamaPeer, told: str, seconds: int | None) -> None:
    peer.retry_after = told
    asked = refusal(peer, "status 503").retry_after
    assert (None if asked is None else asked.total_seconds()) == seconds


def test_an_error_whose_text_never_ends_is_that_error(peer: OllamaPeer) -> None:
    client = OllamaClient(peer.url, Limits(connect_s=0.3))
    with pytest.raises(RefusedError) as caught:
        client.chat(
            {"model": LARGE, "messages": [{"role": "user", "content": "[[peer: unended 500]]"}]},
            deadline=time.monotonic() + 60,
            cancellation=Cancellation(),
            heard=lambda _piece: None,
        )
    assert caught.value.status == 500
