"""`taskforge doctor` and the model: each fault is found, with the command that mends it."""

import json
import shlex
import socket
from collections.abc import Iterator
from contextlib import closing
from fnmatch import fnmatch
from pathlib import Path

import pytest

from cli import remedies
from cli.findings import Check
from cli.model_checks import embedded_checks, model_checks
from tests.ollama_peer import LARGE, SMALL, OllamaPeer
from tests.stack import Stack
from tickets.settings import load
from worker.ollama import OllamaClient
from worker.provider import Provider

NAMES = [
    "model server",
    "model",
    "model structured output",
    "model context",
    "model thinking",
    "model speed",
]


@pytest.fixture
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running:
        yield running


@pytest.fixture(autouse=True)
def ollama(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `ollama` command, as if it were installed here; nothing runs it."""
    command = tmp_path / "ollama"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return command


def address(url: str) -> str:
    return url.removeprefix("http://")


def found(url: str, model: str | None = LARGE, **settings: str) -> list[Check]:
    environ = {"TASKFORGE_OLLAMA_URL": url, **settings}
    if model:
        environ["TASKFORGE_OLLAMA_MODEL"] = model
    return list(model_checks(Provider(url, model=model), load(environ, str)))


def fault(url: str, model: str | None = LARGE, **settings: str) -> Check:
    """The last check, which has failed; those before it have not."""
    *before, last = found(url, model, **settings)
    assert all(check.ok and check.remedy is None for check in before)
    assert not last.ok
    return last


def test_a_model_that_works_is_told_of_in_figures(peer: OllamaPeer) -> None:
    checks = found(peer.url)
    details = {check.name: check.detail for check in checks}
    assert [check.name for check in checks if check.ok] == NAMES
    assert address(peer.url) in details["model server"]
    assert details["model"] == f"{LARGE}, 8 billion parameters, profile freeform"
    assert "8192 tokens" in details["model context"]
    assert "tokens/s" in details["model speed"]
    assert "5 tickets from 600 words take about" in details["model speed"]
    asked = peer.chats()
    assert len(asked) == 2
    assert len({chat["options"]["num_ctx"] for chat in asked}) == 1, "it is loaded once"


def test_a_server_that_is_away(peer: OllamaPeer) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    check = fault(f"{peer.url},http://user:secret@{nobody}")
    assert check.name == "model server"
    assert nobody in check.detail
    assert check.remedy == f"OLLAMA_HOST={nobody} ollama serve"
    assert "secret" not in str(check)


def test_a_server_that_is_away_where_ollama_is_not_installed(
    ollama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(ollama.parent))
    ollama.unlink()
    assert str(fault("http://127.0.0.1:1").remedy).endswith("ollama.com/install.sh | sh")


def test_what_is_wrong_on_another_machine_names_it() -> None:
    """What cannot be done over the network has to be done there."""
    check = fault("http://user:secret@model-box.invalid:8080")
    assert check.machine == "model-box.invalid"
    assert check.remedy == "OLLAMA_HOST=0.0.0.0:8080 ollama serve"


def test_what_goes_over_the_network_is_sent_from_here() -> None:
    """To whatever URL the server has, but for a password, with what every machine has."""
    elsewhere = OllamaClient("https://user:secret@model-box.invalid/ollama")
    pull, load = remedies.pull(elsewhere, "qwen3:8b"), remedies.load_anew(elsewhere, LARGE)
    assert (pull.machine, load.machine) == (None, None)
    url = "https://model-box.invalid/ollama/api"
    assert shlex.split(pull.command) == ["curl", f"{url}/pull", "-d", '{"model": "qwen3:8b"}']
    body = f'{{"model": "{LARGE}", "keep_alive": 0}}'
    assert shlex.split(load.command) == ["curl", f"{url}/generate", "-d", body]


def test_a_model_that_is_not_pulled(peer: OllamaPeer) -> None:
    check = fault(peer.url, "qwen3:8b")
    assert (check.name, check.remedy) == (
        "model",
        f"OLLAMA_HOST={address(peer.url)} ollama pull qwen3:8b",
    )


def test_a_named_model_at_a_server_without_any(peer: OllamaPeer) -> None:
    peer.models = ()
    check = fault(peer.url, "qwen3:8b")
    assert (check.name, check.remedy) == (
        "model",
        f"OLLAMA_HOST={address(peer.url)} ollama pull qwen3:8b",
    )


def test_a_model_that_only_one_of_two_servers_has(peer: OllamaPeer) -> None:
    with OllamaPeer(models=(SMALL,)) as other:
        check = fault(f"{peer.url},{other.url}")
        assert check.remedy == f"OLLAMA_HOST={address(other.url)} ollama pull {LARGE}"


def test_a_model_that_cannot_chat(peer: OllamaPeer) -> None:
    peer.capabilities = ["embedding"]
    check = fault(peer.url)
    assert (check.name, check.detail) == ("model", f"{LARGE} cannot chat")
    assert str(check.remedy).endswith("export TASKFORGE_OLLAMA_MODEL=qwen3:8b")


def test_a_server_without_any_model(peer: OllamaPeer) -> None:
    peer.models = ()
    check = fault(peer.url, None)
    assert check.name == "model"
    assert "ollama pull " in str(check.remedy)


def test_each_server_is_examined(peer: OllamaPeer) -> None:
    """One that is away or takes no schema does not hide what the others do."""
    with OllamaPeer() as other, closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        other.always = "[[peer: no-format]]"
        checks = found(f"http://{nobody},{other.url},{peer.url}")
    assert [check.name for check in checks if not check.ok] == [
        "model server",
        f"model structured output at {address(other.url)}",
    ]
    assert checks[0].detail.startswith(nobody)
    assert [check.name for check in checks if check.ok][-len(NAMES) :] == [
        "model server",
        *(f"{name} at {address(peer.url)}" for name in NAMES[1:]),
    ]


def test_something_that_is_no_ollama(peer: OllamaPeer) -> None:
    """It answers, and knows nothing of models."""
    peer.only_chat = True
    peer.always = "[[peer: status 404]]"
    check = fault(peer.url)
    assert "is no Ollama" in check.detail
    assert check.remedy == "export TASKFORGE_OLLAMA_URL=http://127.0.0.1:11434"


@pytest.mark.parametrize(
    ("marker", "said"), [("no-schema", "takes no schema"), ("garbage", "ignores the schema")]
)
def test_structured_output_that_does_not_work(peer: OllamaPeer, marker: str, said: str) -> None:
    peer.always = f"[[peer: {marker}]]"
    check = fault(peer.url)
    assert check.name == "model structured output"
    assert said in check.detail
    assert "unavailable" not in check.detail
    assert "ollama" in str(check.remedy)


def test_a_model_with_a_context_too_small(peer: OllamaPeer) -> None:
    peer.context_length = 2048
    check = fault(peer.url)
    assert check.name == "model context"
    assert "holds only 2048 tokens" in check.detail
    assert "ollama pull" in str(check.remedy)


def test_a_server_that_gives_less_context_than_asked(peer: OllamaPeer) -> None:
    peer.loaded_context = 1024
    check = fault(peer.url)
    assert check.name == "model context"
    assert "1024" in check.detail
    assert str(check.remedy).startswith("pkill -x ollama; OLLAMA_CONTEXT_LENGTH=8192 ")


@pytest.mark.parametrize(
    ("capabilities", "marker", "told"),
    [
        (["completion"], "", "does not"),
        (["completion", "thinking"], "", "told not to, and does not"),
        (["completion", "thinking"], "no-think", "also when it is told not to"),
        (["completion"], "fenced", "also when it is told not to"),
        (["completion", "thinking"], "thinks", "also when it is told not to"),
        (["completion", "thinking"], "ponders 300", "also when it is told not to"),
    ],
)
def test_thinking_is_told_of_and_is_no_fault(
    peer: OllamaPeer, capabilities: list[str], marker: str, told: str
) -> None:
    peer.capabilities = capabilities
    peer.always = f"[[peer: {marker}]]" if marker else ""
    thinking = next(check for check in found(peer.url) if check.name == "model thinking")
    assert thinking.ok
    assert told in thinking.detail


def test_a_model_too_slow_for_the_time_of_a_job(peer: OllamaPeer) -> None:
    peer.takes = lambda: 0.3
    check = fault(peer.url, TASKFORGE_GENERATION_TIMEOUT_S="1")
    assert check.name == "model speed"
    name, _, seconds = str(check.remedy).partition("=")
    assert name == "export TASKFORGE_GENERATION_TIMEOUT_S"
    assert int(seconds) > 1
    assert "a job has 1 s" in check.detail


def test_a_model_is_no_slower_when_it_is_examined_again(peer: OllamaPeer) -> None:
    """What it remembers of the last time, it does not count, and it took no time either."""
    peer.always = "[[peer: caches]]"
    peer.takes = lambda: 0.2
    for _ in range(2):
        checks = found(peer.url, TASKFORGE_GENERATION_TIMEOUT_S="60")
        assert [check.name for check in checks if check.ok] == NAMES, checks


@pytest.mark.parametrize(
    ("marker", "detail", "remedy"),
    [
        ("status 500", "scripted failure", "{host} ollama stop {model}"),
        ("error-line", "runner process has terminated", "{host} ollama stop {model}"),
        ("loop", "repeats itself", "{host} ollama stop {model}"),
        ("load", "says nothing", "{host} ollama stop {model}"),
        ("reset", "broke", "pkill -x ollama; {host} ollama serve"),
        ("status 403", "403", "pkill -x ollama; {host} ollama serve"),
        ("length", "no end", "{host} ollama pull qwen3:8b && export TASKFORGE_OLLAMA_MODEL=*"),
        ("full", "memory", "{host} ollama pull qwen3:4b && export TASKFORGE_OLLAMA_MODEL=*"),
    ],
)
def test_a_call_that_fails(peer: OllamaPeer, marker: str, detail: str, remedy: str) -> None:
    peer.always = f"[[peer: {marker}]]"
    check = fault(peer.url)
    assert check.name == "model structured output"
    assert detail in check.detail
    expected = remedy.format(host=f"OLLAMA_HOST={address(peer.url)}", model=LARGE)
    assert fnmatch(str(check.remedy), expected), check.remedy


def test_quick_asks_the_model_nothing(peer: OllamaPeer, stack_without_worker: Stack) -> None:
    done = stack_without_worker.run(
        "doctor", "--quick", "--json", TASKFORGE_OLLAMA_URL=peer.url, TASKFORGE_OLLAMA_MODEL=LARGE
    )
    names = [check["name"] for check in json.loads(done.stdout)["checks"]]
    assert names[-2:] == NAMES[:2]
    assert not peer.chats()


@pytest.mark.slow
def test_the_embedded_model_passes() -> None:
    checks = list(embedded_checks(load({}, str)))
    assert [check.name for check in checks if check.ok] == NAMES, checks
