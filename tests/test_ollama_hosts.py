"""Several Ollama servers behind one worker: who is asked, and what happens when one is away."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from tests.asking import SCHEMA, ask
from tests.ollama_peer import LARGE, OllamaPeer
from tests.waiting import eventually
from tickets.errors import JobErrorCode
from tickets.settings import SettingsError, load
from worker import model_server
from worker.generation.job import GenerationError
from worker.ollama import RefusedError
from worker.provider import Provider


@pytest.fixture
def peers() -> Iterator[tuple[OllamaPeer, OllamaPeer]]:
    with ExitStack() as stack:
        yield stack.enter_context(OllamaPeer()), stack.enter_context(OllamaPeer())


@pytest.fixture
def nobody() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


def failure(call: Callable[[], object]) -> GenerationError:
    with pytest.raises(GenerationError) as caught:
        call()
    return caught.value


def test_calls_at_once_are_spread(peers: tuple[OllamaPeer, OllamaPeer]) -> None:
    one, other = peers
    found = Provider(f"{one.url},{other.url}", model=LARGE)
    assert found.parallel == 2
    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(ask, found, "[[peer: hold a]]")
        eventually(lambda: len(one.chats()) + len(other.chats()) == 1)
        assert ask(found).text
        for peer in peers:
            peer.release("a")
        assert held.result(timeout=10).text
    assert (len(one.chats()), len(other.chats())) == (1, 1)


def test_server_that_is_away_is_passed_over_and_then_left_alone(
    peers: tuple[OllamaPeer, OllamaPeer], nobody: str
) -> None:
    found = Provider(f"{nobody},{peers[0].url}", model=LARGE)
    assert found.model().parameters == 8_000_000_000
    for _ in range(3):
        assert ask(found).text
    assert len(peers[0].chats()) == 3


def test_server_that_fails_is_left_alone_for_a_while(peers: tuple[OllamaPeer, OllamaPeer]) -> None:
    one, other = peers
    other.first_time("fail-once x")
    found = Provider(f"{one.url},{other.url}", model=LARGE)
    for _ in range(3):
        assert ask(found, "[[peer: fail-once x]]").text
    assert (len(one.chats()), len(other.chats())) == (1, 3)


def test_model_that_one_server_lacks_is_asked_of_the_other(
    peers: tuple[OllamaPeer, OllamaPeer],
) -> None:
    peers[0].models = ()
    found = Provider(f"{peers[0].url},{peers[1].url}", model=LARGE)
    assert found.model().name == LARGE
    assert ask(found).text
    assert len(peers[1].chats()) == 1


def test_nobody_there(nobody: str) -> None:
    fault = failure(lambda: ask(Provider(f"{nobody},{nobody}", model=LARGE)))
    assert (fault.code, fault.retryable) == (JobErrorCode.OLLAMA_UNAVAILABLE, True)


def test_wrong_request_is_not_tried_elsewhere(peers: tuple[OllamaPeer, OllamaPeer]) -> None:
    one, other = peers
    found = Provider(f"{one.url},{other.url}", model=LARGE)
    with pytest.raises(RefusedError):
        ask(found, "[[peer: status 400]]")
    assert sorted([len(one.chats()), len(other.chats())]) == [0, 3]


def test_servers_learn_apart_what_each_refuses(peers: tuple[OllamaPeer, OllamaPeer]) -> None:
    one, other = peers
    found = Provider(f"{one.url},{other.url}", model=LARGE)
    ask(found, "[[peer: no-schema]]")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(ask, found, "[[peer: hold b]]")
        eventually(lambda: len(one.chats()) == 3)
        ask(found)
        one.release("b")
        held.result(timeout=10)
    assert [chat["format"] for chat in one.chats()] == [SCHEMA, "json", "json"]
    assert [chat["format"] for chat in other.chats()] == [SCHEMA]


def test_list_of_urls_is_a_setting(peers: tuple[OllamaPeer, OllamaPeer]) -> None:
    urls = f"{peers[0].url}/, {peers[1].url}"
    given = load(
        {"TASKFORGE_OLLAMA_URL": urls, "TASKFORGE_OLLAMA_PARALLEL": "3"}, lambda path: path
    )
    found = model_server.find(given)
    assert found is not None
    assert found.parallel == 6
    with pytest.raises(SettingsError, match="OLLAMA_URL"):
        load({"TASKFORGE_OLLAMA_URL": "http://a:1,b:2"}, lambda path: path)
