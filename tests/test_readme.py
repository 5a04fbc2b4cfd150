"""The README's commands and snippets do what it says, run as they stand there."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from standardwebhooks import WebhookVerificationError

from tests.courier import Courier, ended_job
from tests.hands import Hands
from tests.ollama_peer import OllamaPeer
from tests.stack import Caller, Stack
from tickets.validation import result_problems

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_each_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)
    assert named
    assert [target for target in named if f"\n{target}:" not in makefile] == []


def test_each_file_exists() -> None:
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert linked
    assert [link for link in linked if not (ROOT / link).exists()] == []


def test_each_command_exists(stack: Stack) -> None:
    named = set(
        re.findall(
            r"taskforge ((?:up|doctor|migrate|serve core|clients [\w-]+|deliveries list))\b", README
        )
    )
    assert len(named) == 7
    assert [command for command in named if stack.run(*command.split(), "--help").returncode] == []


def test_the_commands_make_a_client_a_key_and_tickets(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    ran = subprocess.run(
        ["bash", "-euc", _block("sh", "clients create")],
        cwd=tmp_path,
        env={
            **stack.environ,
            "TASKFORGE_URL": stack.url,
            "PATH": f"{Path(sys.executable).parent}:{stack.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    result = json.loads((tmp_path / "tickets.json").read_text())
    assert result_problems(result) == []
    assert len(result["tickets"]) == 5


def test_the_curl_command_submits_a_job(caller: Caller) -> None:
    command = _block("sh", "curl").replace("$TASKFORGE_API_KEY", caller.key)
    words = shlex.split(command.replace("\\\n", " "))
    url = next(word for word in words if word.startswith("http"))
    headers = [words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H"]
    answer = requests.post(
        url.replace("http://127.0.0.1:8080", caller.stack.url),
        headers=dict(headers),
        data=words[words.index("-d") + 1],
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    assert caller.wait(answer.json()["job_id"])["status"] == "completed"


def test_the_grpc_snippet_prints_a_result(caller: Caller, peer: OllamaPeer) -> None:
    snippet = _block("python", "grpc")
    assert len([line for line in snippet.splitlines() if line.strip()]) <= 10
    core = caller.stack.environ["TASKFORGE_CORE_ADDR"]
    ran = subprocess.run(
        [sys.executable, "-c", snippet.replace("127.0.0.1:50051", core)],
        env={**caller.stack.environ, "TASKFORGE_API_KEY": caller.key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "SPEC-1" in ran.stdout


def test_the_receiver_takes_what_is_ours_and_nothing_else(
    idle_caller: Caller,
    hands: Hands,
    courier: Courier,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack = idle_caller.stack
    job_id = ended_job(idle_caller, hands)
    callback = courier.take().delivery
    secret = stack.run("clients", "callback-secret", idle_caller.name).stdout.strip()
    monkeypatch.setenv("CALLBACK_SECRET", secret)
    snippet: dict[str, Any] = {}
    exec(_block("python", "Webhook"), snippet)

    snippet["receive"](dict(callback.headers), callback.body)

    printed = capsys.readouterr().out
    assert printed == f"tickets.job.completed {job_id} /tickets/v1/jobs/{job_id}/result\n"
    with pytest.raises(WebhookVerificationError):
        snippet["receive"](dict(callback.headers), callback.body + b" ")


def _block(language: str, containing: str) -> str:
    found: list[str] = [text for kind, text in BLOCKS if kind == language and containing in text]
    if len(found) != 1:
        pytest.fail(f"the README has {len(found)} {language} blocks with {containing}")
    return found[0]
