"""The client for Ollama's protocol: every way in which a call can end."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any

import ollama
import pytest

from tests.asking import SCHEMA, ask, prompt
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.waiting import eventually
from tickets.errors import JobErrorCode
from tickets.settings import load
from worker import model_server
from worker.cancellation import Cancellation
from worker.generation.job import GenerationCancelled, GenerationError
from worker.ollama import Limits, OllamaClient, RefusedError, Reply
from worker.provider import Profile, Provider

QUICK = Limits(connect_s=2, first_byte_s=0.3, idle_s=0.3, answer_bytes=100_000)


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


def body(marker: str = "") -> dict[str, Any]:
    return {
        "model": LARGE,
        "messages": prompt(marker),
        "format": SCHEMA,
    }


def chat(
    peer: OllamaPeer,
    marker: str = "",
    *,
    seconds: float = 30,
    limits: Limits | None = None,
    cancellation: Cancellation | None = None,
) -> Reply:
    return OllamaClient(peer.url, limits).chat(
        body(marker),
        deadline=time.monotonic() + seconds,
        cancellation=cancellation or Cancellation(),
        heard=lambda _piece: None,
    )


def failure(call: Callable[[], object]) -> GenerationError:
    with pytest.raises(GenerationError) as caught:
        call()
    return caught.value


def test_the_official_client_understands_the_peer(peer: OllamaPeer) -> None:
    client = ollama.Client(host=peer.url)
    assert [model.model for model in client.list().models] == [LARGE, SMALL]
    assert client.show(LARGE).capabilities == ["completion"]
    whole = client.chat(LARGE, messages=body()["messages"], format=SCHEMA)
    assert whole.message.content
    assert whole.done_reason == "stop"
    pieces = list(client.chat(LARGE, messages=body()["messages"], format=SCHEMA, stream=True))
    assert pieces[-1].done
    assert "".join(piece.message.content or "" for piece in pieces) == whole.message.content
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat("no-such-model", messages=body()["messages"])
    assert caught.value.status_code == 404


def test_reply_is_whole_and_streamed(peer: OllamaPeer) -> None:
    reply = chat(peer, "[[peer: slow 0.001]]")
    assert reply.text.startswith('{"title"')
    assert reply.finish_reason == "stop"
    assert reply.prompt_tokens
    assert reply.completion_tokens
    assert peer.chats()[0]["stream"] is True


def test_counts_that_are_missing_are_unknown(peer: OllamaPeer) -> None:
    reply = chat(peer, "[[peer: no-counts]]")
    assert (reply.prompt_tokens, reply.completion_tokens) == (None, None)


@pytest.mark.parametrize(
    ("marker", "code", "retryable"),
    [
        ("status 500", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("status 503", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("status 429", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("status 404", JobErrorCode.OLLAMA_UNAVAILABLE, False),
        ("status 403", JobErrorCode.OLLAMA_UNAVAILABLE, False),
        ("status 499", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("status 400", JobErrorCode.OLLAMA_UNAVAILABLE, False),
        ("error-line", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("reset", JobErrorCode.OLLAMA_UNAVAILABLE, True),
        ("no-done", JobErrorCode.MODEL_OUTPUT_INVALID, True),
        ("loop", JobErrorCode.MODEL_OUTPUT_INVALID, False),
        ("blank", JobErrorCode.MODEL_OUTPUT_INVALID, False),
        ("hang", JobErrorCode.MODEL_TIMEOUT, True),
        ("stall", JobErrorCode.MODEL_TIMEOUT, True),
        ("drips", JobErrorCode.MODEL_TIMEOUT, True),
    ],
)
def test_each_fault_has_its_code(
    peer: OllamaPeer, marker: str, code: JobErrorCode, retryable: bool
) -> None:
    fault = failure(lambda: chat(peer, f"[[peer: {marker}]]", limits=QUICK))
    assert (fault.code, fault.retryable) == (code, retryable)
    assert peer.url not in fault.message


@pytest.mark.parametrize("marker", ["stall", "drips"])
def test_a_server_that_falls_silent_is_not_waited_for_to_the_end(
    peer: OllamaPeer, marker: str
) -> None:
    fault = failure(lambda: chat(peer, f"[[peer: {marker}]]", limits=QUICK))
    assert fault.message == "the model has fallen silent"


def test_busy_server_says_when_to_come_again(peer: OllamaPeer) -> None:
    fault = failure(lambda: chat(peer, "[[peer: status 503]]"))
    assert fault.retry_after is not None
    assert fault.retry_after.total_seconds() == 7


def test_model_that_reads_a_long_prompt_has_until_the_first_token(peer: OllamaPeer) -> None:
    """The headers are there, and still it is not the time between two tokens that counts."""
    patient = Limits(first_byte_s=10, idle_s=0.1)
    assert chat(peer, "[[peer: prefill 0.4]]", limits=patient).text
    fault = failure(lambda: chat(peer, "[[peer: prefill 2]]", limits=QUICK))
    assert fault.code is JobErrorCode.MODEL_TIMEOUT


def test_cold_model_sends_no_headers_until_it_is_loaded(peer: OllamaPeer) -> None:
    threading.Timer(0.4, peer.release, ["cold"]).start()
    assert chat(peer, "[[peer: hold cold]]", limits=Limits(first_byte_s=10, idle_s=0.1)).text


def test_server_that_does_not_stream_is_understood(peer: OllamaPeer) -> None:
    assert chat(peer, "[[peer: whole]]").finish_reason == "stop"


def test_whole_answer_that_is_not_done_is_a_failure(peer: OllamaPeer) -> None:
    fault = failure(lambda: chat(peer, "[[peer: whole]] [[peer: no-done]]"))
    assert fault.code is JobErrorCode.MODEL_OUTPUT_INVALID


def test_thoughts_in_a_field_of_their_own_are_no_answer(peer: OllamaPeer) -> None:
    assert chat(peer, "[[peer: thinks]]").text.startswith('{"title"')


@pytest.mark.parametrize("marker", ["", "[[peer: status 404]]"])
def test_missing_model_is_named(peer: OllamaPeer, marker: str) -> None:
    """Whatever the server's words for it are."""
    peer.models = () if not marker else (LARGE,)
    fault = failure(lambda: chat(peer, marker))
    assert LARGE in fault.message
    assert fault.retryable is False


def test_empty_name_is_refused_and_never_sent(peer: OllamaPeer) -> None:
    """No name means the first chat model there is."""
    nameless = {**body(), "model": ""}
    with pytest.raises(RefusedError) as caught:
        OllamaClient(peer.url).chat(
            nameless,
            deadline=time.monotonic() + 30,
            cancellation=Cancellation(),
            heard=lambda _piece: None,
        )
    assert (caught.value.status, caught.value.retryable) == (400, False)
    peer.requests.clear()
    assert ask(Provider(peer.url, model="")).text
    assert ask(Provider(peer.url, model=SMALL).using("")).text
    assert [sent["model"] for sent in peer.chats()] == [LARGE, SMALL]


def test_no_server(peer: OllamaPeer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    fault = failure(lambda: OllamaClient(url).version(deadline=time.monotonic() + 5))
    assert fault.code is JobErrorCode.OLLAMA_UNAVAILABLE
    assert fault.retryable


@pytest.mark.parametrize("marker", ["hang", "stall", "slow 0.2"])
def test_deadline_ends_any_call(peer: OllamaPeer, marker: str) -> None:
    fault = failure(lambda: chat(peer, f"[[peer: {marker}]]", seconds=0.3))
    assert fault.code is JobErrorCode.MODEL_TIMEOUT


def test_endless_answer_is_cut(peer: OllamaPeer) -> None:
    peer.replies["long"] = "".join(f"{number} " for number in range(40_000))
    fault = failure(lambda: chat(peer, "[[peer: reply long]]", limits=QUICK))
    assert fault.code is JobErrorCode.MODEL_OUTPUT_INVALID


@pytest.mark.parametrize(("marker", "begun"), [("hang", 0), ("prefill 60", 1), ("stall", 1)])
def test_cancel_hangs_up(peer: OllamaPeer, marker: str, begun: int) -> None:
    """Before the headers, between them and the first chunk, and between two chunks."""
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(chat, peer, f"[[peer: {marker}]]", cancellation=cancellation)
        eventually(lambda: bool(peer.chats()) and peer.begun == begun)
        cancellation.request()
        with pytest.raises(GenerationCancelled):
            waiting.result(timeout=10)
    eventually(lambda: peer.disconnects == 1)


def test_cancel_while_connecting() -> None:
    """A server whose backlog is full leaves callers in the middle of connecting."""
    with closing(socket.socket()) as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for other in waiting:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        cancellation = Cancellation()
        client = OllamaClient(f"http://127.0.0.1:{full.getsockname()[1]}", Limits(connect_s=60))
        threading.Timer(0.2, cancellation.request).start()
        with pytest.raises(GenerationCancelled):
            client.chat(
                body(),
                deadline=time.monotonic() + 60,
                cancellation=cancellation,
                heard=lambda _piece: None,
            )
        for other in waiting:
            other.close()


def test_connection_ends_with_its_call_also_while_its_fault_is_handled() -> None:
    """The peer has a thread for each that is open; the fault would keep it so."""
    with OllamaPeer() as own:
        before = threading.active_count()
        with pytest.raises(GenerationError) as caught:
            chat(own, "[[peer: status 400]]")
        eventually(lambda: threading.active_count() <= before)  # others may end meanwhile
        assert caught.value.code is JobErrorCode.OLLAMA_UNAVAILABLE


def test_cancelled_before_the_call(peer: OllamaPeer) -> None:
    cancellation = Cancellation()
    cancellation.request()
    with pytest.raises(GenerationCancelled):
        chat(peer, cancellation=cancellation)


def test_proxies_of_the_environment_are_not_used(
    peer: OllamaPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert chat(peer).text


def test_calls_carry_constant_options(peer: OllamaPeer) -> None:
    ask(Provider(peer.url, model=LARGE))
    sent = peer.chats()[0]
    assert sent["options"] == {"num_ctx": 4096, "num_predict": 200, "temperature": 0.0}
    assert (sent["truncate"], sent["shift"]) == (False, False)
    assert sent["format"] == SCHEMA
    assert "keep_alive" in sent
    assert "think" not in sent


def test_thinking_models_are_told_not_to(peer: OllamaPeer) -> None:
    peer.capabilities = ["completion", "thinking"]
    ask(Provider(peer.url, model=LARGE))
    assert peer.chats()[0]["think"] is False


def test_refused_think_is_left_out_from_then_on(peer: OllamaPeer) -> None:
    peer.capabilities = ["completion", "thinking"]
    found = Provider(peer.url, model=LARGE)
    assert ask(found, "[[peer: no-think]]").text
    assert ask(found, "[[peer: no-think]]").text
    assert ["think" in sent for sent in peer.chats()] == [True, False, False]


@pytest.mark.parametrize(
    ("marker", "formats"),
    [
        ("no-schema", [SCHEMA, "json", "json"]),
        ("no-format", [SCHEMA, "json", None, None]),
    ],
)
def test_format_ladder(peer: OllamaPeer, marker: str, formats: list[Any]) -> None:
    found = Provider(peer.url, model=LARGE)
    ask(found, f"[[peer: {marker}]]")
    ask(found, f"[[peer: {marker}]]")
    assert [sent.get("format") for sent in peer.chats()] == formats


def test_other_refusals_end_the_ladder(peer: OllamaPeer) -> None:
    with pytest.raises(RefusedError):
        ask(Provider(peer.url, model=LARGE), "[[peer: status 400]]")
    assert len(peer.chats()) == 3


def test_refusals_that_asking_for_less_does_not_help_are_not_remembered(peer: OllamaPeer) -> None:
    found = Provider(peer.url, model=LARGE)
    with pytest.raises(RefusedError):
        ask(found, "[[peer: status 400]]")
    ask(found)
    assert peer.chats()[-1]["format"] == SCHEMA


def test_cancel_hangs_up_on_a_look_up_and_on_who_waits_for_it() -> None:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ThreadPoolExecutor(2) as pool:
        found = Provider(f"http://127.0.0.1:{silent.getsockname()[1]}", model=LARGE)
        stops = [Cancellation(), Cancellation()]
        looks = pool.submit(found.model, stops[0])
        silent.settimeout(10)
        asked, _ = silent.accept()
        waits = pool.submit(found.model, stops[1])
        for stop, call in zip(reversed(stops), (waits, looks), strict=True):
            stop.request()
            with pytest.raises(GenerationCancelled):
                # By itself a look-up gives up after some seconds, and ends well.
                call.result(timeout=10)
        asked.close()


def test_model_is_looked_up_once(peer: OllamaPeer) -> None:
    found = Provider(peer.url)
    for _ in range(3):
        assert found.model().name == LARGE
    assert [request["path"] for request in peer.requests] == ["/api/tags", "/api/show"]


@pytest.mark.parametrize(("name", "profile"), [(LARGE, "freeform"), (SMALL, "extractive")])
def test_profile_follows_the_size(peer: OllamaPeer, name: str, profile: str) -> None:
    assert Provider(peer.url, model=name).model().profile == Profile(profile)


def test_profile_can_be_set(peer: OllamaPeer) -> None:
    assert Provider(peer.url, model=SMALL, profile="freeform").model().profile == "freeform"


def test_embedding_models_are_passed_over(peer: OllamaPeer) -> None:
    peer.models = ("nomic-embed-text:latest", SMALL)
    peer.only_chat = False
    peer.capabilities = []
    assert Provider(peer.url).model().name == SMALL


def test_server_that_only_chats_will_do(peer: OllamaPeer) -> None:
    peer.only_chat = True
    found = Provider(peer.url, model="something")
    assert ask(found).text
    assert (found.model().profile, found.model().context_length) == ("freeform", 8192)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("llama3.2:1b", 1_000_000_000),
        ("mixtral:8x7b", 56_000_000_000),
        ("qwen2.5:0.5b-instruct", 500_000_000),
        ("smollm2:135m", 135_000_000),
        ("mistral", None),
    ],
)
def test_size_in_a_name(peer: OllamaPeer, name: str, parameters: int | None) -> None:
    peer.only_chat = True
    assert Provider(peer.url, model=name).model().parameters == parameters


def test_find_follows_the_settings(peer: OllamaPeer) -> None:
    settings = load({"TASKFORGE_OLLAMA_URL": peer.url}, lambda _: "")
    found = model_server.find(settings)
    assert found is not None
    assert found.model().name == LARGE
    assert model_server.find(replace(settings, ollama_url="embedded")) is None


def test_find_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "STANDARD_URL", "http://127.0.0.1:9")
    assert model_server.find(load({}, lambda _: "")) is None
    named = model_server.find(load({"TASKFORGE_OLLAMA_MODEL": LARGE}, lambda _: ""))
    assert named is not None, "the embedded model is another one"


def test_find_on_the_standard_port(peer: OllamaPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_server, "STANDARD_URL", peer.url)
    found = model_server.find(load({}, lambda _: ""))
    assert found is not None
    assert found.client.url == peer.url
