"""What an attempt records of itself: every request to the model, however it ends."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from worker.cancellation import Cancellation
from worker.generation.job import GenerationError, GenerationJob
from worker.generation.journal import Journal
from worker.generation.pipeline import generate
from worker.provider import Provider

SPEC = """# Room booking
Employees can search rooms by date and size. They see which ones are free.
A booking must be at most four hours long.
The system sends a confirmation by email.
"""


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def attempt(
    peer: OllamaPeer, marker: str = "", model: str = LARGE, url: str | None = None
) -> Journal:
    """The journal of an attempt, which may fail."""
    journal = Journal()
    job = GenerationJob(
        job_id="0b0f0e9c-5a0a-4f6e-9a53-0d0f7f1c2a11",
        title="Room booking",
        spec=f"{SPEC}\n{marker}",
        ticket_count=None,
        max_ticket_count=50,
        include_epics=True,
        output_detail="standard",
    )
    with contextlib.suppress(GenerationError):
        generate(
            job,
            Provider(url or peer.url, model=model),
            deadline=time.monotonic() + 60,
            cancellation=Cancellation(),
            report=lambda _stage, _progress: None,
            journal=journal,
        )
    return journal


@pytest.mark.parametrize(("model", "prompt"), [(LARGE, "freeform"), (SMALL, "extractive")])
def test_a_call_is_on_record_with_its_answer(peer: OllamaPeer, model: str, prompt: str) -> None:
    journal = attempt(peer, model=model)

    assert len(journal.calls) == len(peer.chats()) > 0
    for call, sent in zip(journal.calls, peer.chats(), strict=True):
        assert (call.model, call.prompt.split()[0]) == (model, prompt)
        assert call.purpose
        assert sent["options"].items() <= call.options.items()
        assert call.options["format"] == "schema"
        assert call.prompt_tokens
        assert call.completion_tokens
        assert (call.finish_reason, call.error) == ("stop", "")
        assert call.text.startswith("{")
        assert call.length == len(call.text)


def test_the_server_of_each_call_is_on_record_without_its_password(peer: OllamaPeer) -> None:
    """One that was tried in vain too."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    journal = attempt(peer, url=f"http://user:secret@{nobody},{peer.url}")
    assert [call.server for call in journal.calls[:2]] == [nobody, peer.url.removeprefix("http://")]
    assert [bool(call.error) for call in journal.calls[:2]] == [True, False]


def test_the_model_is_on_record_with_its_digest(peer: OllamaPeer) -> None:
    model = attempt(peer).model
    assert (model["name"], model["digest"]) == (LARGE, "0" * 64)


def test_counts_that_the_server_does_not_give_are_none(peer: OllamaPeer) -> None:
    (call,) = attempt(peer, "[[peer: no-counts]]").calls
    assert (call.prompt_tokens, call.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    ("marker", "said"),
    [("error-line", "has terminated"), ("no-done", "broke off"), ("reset", "broke")],
)
def test_an_answer_that_breaks_off_is_on_record_as_far_as_it_came(
    peer: OllamaPeer, marker: str, said: str
) -> None:
    call = attempt(peer, f"[[peer: {marker}]]").calls[-1]
    assert call.text.startswith("{")
    assert said in call.error
    assert call.finish_reason is None


def test_a_request_that_is_refused_is_on_record_beside_the_next(peer: OllamaPeer) -> None:
    refused, taken = attempt(peer, "[[peer: no-schema]]").calls[:2]
    assert "invalid JSON schema" in refused.error
    assert (refused.options["format"], taken.options["format"]) == ("schema", "json")
    assert taken.error == ""


def test_a_record_of_an_endless_answer_is_bounded() -> None:
    with Journal().call(purpose="", prompt="", model="", server="", options={}) as call:
        for _ in range(100):
            call.hear("word " * 1000)
    assert call.length == 500_000
    assert len(call.text) < 100_000
