"""The embedded model as a client sees it: Ollama's protocol over a real small model."""

import json
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import ollama
import pytest
import requests

from worker.embedded import process
from worker.embedded.engine import ModelUnavailable
from worker.embedded.process import EmbeddedModel

MODEL = "smollm2:135m"
# Cannot end early: some 3,000 tokens, which take the fastest machine many seconds.
LONG = {
    "type": "array",
    "items": {"enum": ["the sea was calm and the wind was low"]},
    "minItems": 300,
    "maxItems": 300,
}
# Far below what a long generation or a long prompt takes, far above a cancelled one.
SOON_S = 15.0
TICKET = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 30},
        "priority": {"enum": ["low", "high", None]},
        "points": {"type": "integer", "minimum": 1, "maximum": 8},
        "labels": {"type": "array", "items": {"enum": ["api", "ui"]}, "minItems": 1, "maxItems": 2},
    },
    "required": ["title", "priority", "points", "labels"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model") / "model.log"


@pytest.fixture(scope="module")
def model(log: Path) -> Iterator[EmbeddedModel]:
    with process.start(log) as running:
        yield running


@pytest.fixture
def client(model: EmbeddedModel) -> ollama.Client:
    return ollama.Client(model.url, timeout=60)


def body(prompt: str, **more: Any) -> dict[str, Any]:
    more.setdefault("options", {"temperature": 0, "num_predict": 20})
    return {"model": MODEL, "messages": [{"role": "user", "content": prompt}], **more}


def chat(model: EmbeddedModel, asked: dict[str, Any]) -> requests.Response:
    return requests.post(f"{model.url}/api/chat", json=asked, timeout=60)


def whole(model: EmbeddedModel, prompt: str, **more: Any) -> Any:
    response = chat(model, body(prompt, stream=False, **more))
    assert response.status_code == 200, response.text
    return response.json()


def sent(url: str, asked: dict[str, Any]) -> socket.socket:
    """A chat request on a bare socket, so that a test can hang up when it likes."""
    parts = urlsplit(url)
    data = json.dumps(asked).encode()
    client = socket.create_connection((parts.hostname, parts.port), timeout=60)
    head = f"POST /api/chat HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(data)}\r\n\r\n"
    client.sendall(head.encode() + data)
    return client


def seconds(call: Callable[[], Any]) -> float:
    start = time.monotonic()
    call()
    return time.monotonic() - start


def test_client_that_resets_its_connection_leaves_no_traceback(
    model: EmbeddedModel, log: Path
) -> None:
    address = urlsplit(model.url)
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(64)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Served after the reset has been noticed, as both are noticed in turn.
    for _ in range(3):
        assert requests.get(model.url, timeout=10).ok
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_says_what_it_is(model: EmbeddedModel) -> None:
    root = requests.get(model.url, timeout=10)
    assert root.text == "Ollama is running"
    assert requests.head(model.url, timeout=10).status_code == 200
    version = requests.get(f"{model.url}/api/version", timeout=10).json()["version"]
    assert version.startswith("0.30")


def test_lists_and_shows_its_one_model(client: ollama.Client) -> None:
    (listed,) = client.list().models
    (loaded,) = client.ps().models
    shown = client.show(MODEL)
    assert listed.model == loaded.model == MODEL
    assert listed.size is not None
    assert listed.size > 50_000_000
    assert listed.digest == loaded.digest
    assert loaded.context_length == 8192
    assert shown.capabilities == ["completion"]
    assert shown.details is not None
    assert shown.details.parameter_size == "135M"
    assert shown.modelinfo is not None
    assert shown.modelinfo["general.architecture"] == "llama"
    assert shown.modelinfo["llama.context_length"] == 8192
    assert 130e6 < shown.modelinfo["general.parameter_count"] < 140e6


def test_official_client_gets_a_streamed_chat(client: ollama.Client) -> None:
    asked = [{"role": "user", "content": "Name three fruits."}]
    parts = list(client.chat(MODEL, asked, stream=True, options={"temperature": 0}))
    assert len(parts) > 5
    assert len("".join(part.message.content or "" for part in parts)) > 10
    last = parts[-1]
    assert last.done
    assert last.done_reason == "stop"
    assert last.eval_count is not None
    assert last.eval_count >= 5
    assert last.prompt_eval_count is not None
    assert last.prompt_eval_count >= 10


def test_a_stream_is_lines_of_json_of_which_the_last_is_done(model: EmbeddedModel) -> None:
    response = chat(model, body("Say hello."))
    assert response.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    for line in lines:
        assert line["model"] == MODEL
        assert datetime.fromisoformat(line["created_at"]).tzinfo is not None
    last = lines[-1]
    spent = last["prompt_eval_duration"] + last["eval_duration"]
    assert 1_000_000 < spent <= last["total_duration"] < 60_000_000_000
    assert 0 < last["load_duration"] < last["total_duration"]


def test_the_seed_decides(model: EmbeddedModel) -> None:
    def story(seed: int) -> str:
        options = {"temperature": 1.5, "seed": seed, "num_predict": 30}
        text: str = whole(model, "Tell me a story.", options=options)["message"]["content"]
        return text

    assert story(7) == story(7)
    assert story(7) != story(8)


def test_a_schema_is_kept_to_and_costs_no_whitespace(client: ollama.Client) -> None:
    answer = client.chat(
        MODEL,
        [{"role": "user", "content": "Write a ticket as JSON."}],
        format=TICKET,
        options={"temperature": 1, "seed": 1},
    )
    assert answer.done_reason == "stop"
    ticket = json.loads(answer.message.content or "")
    jsonschema.validate(ticket, TICKET)
    assert answer.message.content == json.dumps(ticket, separators=(",", ":"), ensure_ascii=False)


def test_a_schema_beyond_the_quick_way_is_kept_to_too(model: EmbeddedModel) -> None:
    schema = {**TICKET, "not": {"required": ["colour"]}}
    answer = whole(model, "Write a ticket as JSON.", format=schema, options={"seed": 1})
    jsonschema.validate(json.loads(answer["message"]["content"]), TICKET)


def test_format_json_gives_an_object(model: EmbeddedModel) -> None:
    answer = whole(model, "What is the capital of France? Answer in one word.", format="json")
    assert answer["message"]["content"].startswith("{")


def test_num_predict_cuts_and_says_so(model: EmbeddedModel) -> None:
    answer = whole(model, "Tell me a story.", options={"num_predict": 3})
    assert answer["done"] is True
    assert answer["done_reason"] == "length"
    assert answer["eval_count"] == 3


def test_stop_ends_the_answer_before_it(model: EmbeddedModel) -> None:
    answer = whole(model, "Go.", format={"const": "alpha beta gamma"}, options={"stop": [" gamma"]})
    assert answer["message"]["content"] == '"alpha beta'
    assert answer["done_reason"] == "stop"


def test_no_messages_means_load(model: EmbeddedModel) -> None:
    answer = chat(model, {"model": MODEL, "messages": [], "keep_alive": "5m"}).json()
    assert (answer["done"], answer["done_reason"]) == (True, "load")


@pytest.mark.parametrize("name", ["smollm2", "smollm2:latest", "SmolLM2:135m"])
def test_other_names_of_the_model(model: EmbeddedModel, name: str) -> None:
    assert chat(model, {"model": name}).json()["model"] == name


def test_an_unknown_model_is_not_found(client: ollama.Client, model: EmbeddedModel) -> None:
    response = chat(model, {**body("Hi"), "model": "llama3"})
    assert (response.status_code, response.json()) == (404, {"error": "model 'llama3' not found"})
    with pytest.raises(ollama.ResponseError) as refusal:
        client.show("llama3")
    assert refusal.value.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": ""},
        {"model": 7},
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {"messages": [{"role": "wizard", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        {"stream": "yes"},
        {"options": []},
        {"think": True},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"format": "xml"},
        {"format": {"type": "nonsense"}},
        {"format": {"$ref": "#/nowhere"}},
    ],
    ids=str,
)
def test_a_wrong_request_is_refused(model: EmbeddedModel, wrong: dict[str, Any]) -> None:
    response = chat(model, {**body("Hi"), **wrong})
    assert response.status_code == 400
    assert list(response.json()) == ["error"]
    assert isinstance(response.json()["error"], str)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused(model: EmbeddedModel, text: bytes) -> None:
    response = requests.post(f"{model.url}/api/chat", data=text, timeout=10)
    assert response.status_code == 400
    assert response.json()["error"]


@pytest.mark.parametrize(
    "options", [{"temperature": "hot"}, {"num_ctx": 1.5}, {"seed": True}, {"stop": "x"}], ids=str
)
def test_a_wrong_option_is_a_500_as_with_ollama(
    model: EmbeddedModel, options: dict[str, Any]
) -> None:
    response = chat(model, body("Hi", options=options))
    assert response.status_code == 500
    assert response.json()["error"].startswith(f'option "{next(iter(options))}" must be of type')


def test_a_prompt_beyond_the_window_is_refused(client: ollama.Client) -> None:
    with pytest.raises(ollama.ResponseError) as refusal:
        client.chat(MODEL, [{"role": "user", "content": "word " * 9000}])
    assert refusal.value.status_code == 400
    detail = json.loads(refusal.value.error)["error"]
    assert detail["type"] == "exceed_context_size_error"
    assert detail["n_ctx"] == 8192
    assert detail["n_prompt_tokens"] > 9000


def test_a_long_prompt_is_read_whole(model: EmbeddedModel) -> None:
    one = whole(model, "word", options={"num_predict": 1})["prompt_eval_count"]
    many = whole(model, "word" + " word" * 300, options={"num_predict": 1})["prompt_eval_count"]
    assert many == one + 300


def test_unknown_paths_and_wrong_methods(model: EmbeddedModel) -> None:
    unknown = requests.post(f"{model.url}/api/pull", json={"model": "x"}, timeout=10)
    wrong = requests.get(f"{model.url}/api/chat", timeout=10)
    assert (unknown.status_code, list(unknown.json())) == (404, ["error"])
    assert (wrong.status_code, list(wrong.json())) == (405, ["error"])


@pytest.mark.parametrize("header", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_web_pages_of_others_are_kept_out(model: EmbeddedModel, header: dict[str, str]) -> None:
    assert requests.get(f"{model.url}/api/tags", headers=header, timeout=10).status_code == 403
    ours = {"Host": "localhost", "Origin": "http://localhost:3000"}
    assert requests.get(f"{model.url}/api/tags", headers=ours, timeout=10).status_code == 200


def test_requests_are_served_one_after_another_in_order(model: EmbeddedModel) -> None:
    def times(number: int) -> tuple[float, float]:
        """When the first and the last line of the answer came."""
        asked = body(f"Count from {number}.", format={**LONG, "minItems": 4, "maxItems": 4})
        asked["options"] = {"temperature": 0}
        with requests.post(
            f"{model.url}/api/chat", json=asked, stream=True, timeout=60
        ) as response:
            seen = [time.monotonic() for _ in response.iter_lines()]
        return seen[0], seen[-1]

    with ThreadPoolExecutor(3) as pool:
        calls = []
        for number in range(3):
            calls.append(pool.submit(times, number))
            time.sleep(0.1)  # so that they arrive in this order
        spans = [call.result() for call in calls]
    for (_, earlier_end), (later_start, _) in pairwise(spans):
        assert later_start > earlier_end


def test_hanging_up_during_generation_frees_the_model(model: EmbeddedModel) -> None:
    client = sent(model.url, body("Go.", format=LONG, options={}))
    assert client.recv(12) == b"HTTP/1.1 200"  # it generates
    client.close()
    assert seconds(lambda: whole(model, "Hi", options={"num_predict": 1})) < SOON_S


def test_hanging_up_during_the_prompt_frees_the_model(model: EmbeddedModel) -> None:
    client = sent(model.url, body("stone river cloud " * 2400))
    time.sleep(0.5)
    client.close()
    assert seconds(lambda: whole(model, "Hi", options={"num_predict": 1})) < SOON_S


def test_hanging_up_while_waiting_leaves_the_line(model: EmbeddedModel) -> None:
    served = sent(model.url, body("Go.", format=LONG, options={}))
    # Its answer has begun, so that the next one cannot come before it.
    assert served.recv(12) == b"HTTP/1.1 200"
    waiting = sent(model.url, body("Go.", format=LONG, options={}))
    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(whole, model, "Hi", options={"num_predict": 1})
        time.sleep(0.3)
        waiting.close()
        time.sleep(0.2)
        assert not last.done()
        served.close()
        assert seconds(last.result) < SOON_S


def _first_refused(answers: selectors.BaseSelector) -> bytes:
    """The answer that begins with 503, once there is one."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for key, _ in answers.select(timeout=1):
            client = key.fileobj
            assert isinstance(client, socket.socket)
            answer = client.recv(65536)
            if answer.startswith(b"HTTP/1.1 503"):
                while b"}" not in answer:  # its body comes behind its headers
                    answer += client.recv(65536)
                return answer
            answers.unregister(client)
    pytest.fail("nobody is refused")


def test_the_line_is_bounded(model: EmbeddedModel) -> None:
    answers = selectors.DefaultSelector()
    with ExitStack() as open_ones:
        asked = body("Go.", format=LONG, options={})
        # One is served, sixteen wait; whichever comes last is refused.
        for _ in range(18):
            open_ones.enter_context(client := sent(model.url, asked))
            answers.register(client, selectors.EVENT_READ)
        refused = _first_refused(answers)
    assert b'{"error":"server busy' in refused
    assert seconds(lambda: whole(model, "Hi", options={"num_predict": 1})) < SOON_S


def gone(url: str) -> bool:
    """Whether nothing listens there any more, within some seconds."""
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        try:
            requests.get(url, timeout=2)
        except requests.ConnectionError:
            return True
        time.sleep(0.05)
    return False


def test_it_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from worker.embedded import process\n"
        "print(process.start(Path(sys.argv[1])).url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "model.log")],
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert requests.get(url, timeout=10).ok
        parent.send_signal(signal.SIGKILL)
    assert gone(url)


FOREGROUND = ["-u", "-c", "from worker.embedded.server import serve; serve()"]
CHILD = ["-m", "worker.embedded", "127.0.0.1:0", "--announce"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", [FOREGROUND, CHILD], ids=["foreground", "child"])
def test_a_signal_ends_it_under_load_with_exit_code_0(
    command: list[str], ending: signal.Signals
) -> None:
    foreground = command is FOREGROUND  # where stdin does not matter
    with subprocess.Popen(
        [sys.executable, *command],
        stdin=subprocess.DEVNULL if foreground else subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        url = served.stdout.readline().strip()
        with sent(url, body("Tell me a very long story.", options={"num_predict": 3000})) as client:
            assert client.recv(12) == b"HTTP/1.1 200"
            served.send_signal(ending)
            assert served.wait(SOON_S) == 0


def test_by_itself_it_tells_its_url_to_the_log_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "worker.embedded", "127.0.0.1:0"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as served:
        assert served.stdout is not None
        assert served.stderr is not None
        assert " model: it listens on http://127.0.0.1:" in served.stderr.readline()
        served.send_signal(signal.SIGTERM)
        assert served.stdout.read() == ""


def test_stop_ends_it(tmp_path: Path) -> None:
    running = process.start(tmp_path / "model.log")
    assert running.running
    running.stop()
    assert not running.running
    assert gone(running.url)


def test_a_taken_address_is_told(model: EmbeddedModel, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="in use"):
        process.start(tmp_path / "model.log", bind=urlsplit(model.url).netloc)


def test_a_missing_library_is_told_with_its_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xllamacpp.py").write_text(
        "raise ImportError('libgomp.so.1: cannot open shared object file')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelUnavailable, match=r"apt-get install libgomp1.*dnf install libgomp"):
        process.start(tmp_path / "model.log")
