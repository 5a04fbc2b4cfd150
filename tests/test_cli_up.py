"""`taskforge up`: what it prints, what it keeps running, and how it ends."""

import os
import signal
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, CompletedProcess, Popen

import pytest
import requests

from tests.cli_running import Up, command, environ, members, run, run_json, up
from tests.ollama_peer import OllamaPeer
from tests.processes import free_port
from tests.stack import SPEC
from tests.waiting import eventually


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, peer: OllamaPeer) -> Iterator[Up]:
    """For tests after which it still runs."""
    with up(tmp_path_factory.mktemp("up"), TASKFORGE_OLLAMA_URL=peer.url) as started:
        yield started


@pytest.fixture
def running(tmp_path: Path, peer: OllamaPeer) -> Iterator[Up]:
    with up(tmp_path, TASKFORGE_OLLAMA_URL=peer.url) as started:
        yield started


def test_it_prints_the_url_the_model_and_what_to_do_next(shared: Up, peer: OllamaPeer) -> None:
    assert shared.lines[0] == f"TaskForge is ready at {shared.url}\n"
    assert shared.lines[1].startswith("Model: ")
    assert peer.url in shared.lines[1]
    assert "profile" in shared.lines[1]
    assert requests.get(f"{shared.url}/healthz", timeout=5).status_code == 200
    # The commands that it names work as they stand.
    assert run_json("clients", "create", "demo", env=shared.env)["client_id"]


def test_the_advice_fits_a_model_that_was_chosen(tmp_path: Path) -> None:
    model = {"TASKFORGE_OLLAMA_URL": "embedded", "TASKFORGE_OLLAMA_MODEL": "qwen3:8b"}
    with up(tmp_path, **model) as started:
        assert started.lines[1] == "Model: smollm2:135m, embedded, profile extractive\n"
        assert "TASKFORGE_OLLAMA_URL=embedded chose it" in started.lines[2]
        assert "install" not in "".join(started.lines)


def test_a_password_in_a_url_is_never_shown(tmp_path: Path, peer: OllamaPeer) -> None:
    url = f"{peer.url},{peer.url}/more".replace("//", "//tester:hidden-word@")
    with up(tmp_path, TASKFORGE_OLLAMA_URL=url, TASKFORGE_OLLAMA_MODEL="qwen3:8b") as started:
        told = started.lines[1]
        doctor = run("doctor", env=started.env)
        assert "hidden-word" not in "".join(started.lines) + started.log.read_text()
        assert "hidden-word" not in doctor.stdout + doctor.stderr
    assert told == f"Model: qwen3:8b, which is not installed at {peer.url}, {peer.url}/more\n"


def test_doctor_waits_for_one_that_is_starting(tmp_path: Path, peer: OllamaPeer) -> None:
    settings = {
        "TASKFORGE_OLLAMA_URL": peer.url,
        "TASKFORGE_CORE_BIND": f"127.0.0.1:{free_port()}",
        "TASKFORGE_EDGE_BIND": f"127.0.0.1:{free_port()}",
        "TASKFORGE_DATA_DIR": str(tmp_path / "data"),
    }

    def ask() -> CompletedProcess[str]:
        eventually((tmp_path / "data" / "secret_key").exists)
        return run("doctor", "--quick", env=environ(**settings))

    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(ask)
        with up(tmp_path, **settings):
            done = asked.result()
    assert done.returncode == 0, done.stdout
    assert "TaskForge is starting" in done.stderr


def test_doctor_does_not_wait_for_one_that_was_killed_as_it_started(tmp_path: Path) -> None:
    env = environ(TASKFORGE_DATA_DIR=str(tmp_path), TASKFORGE_CORE_BIND=f"127.0.0.1:{free_port()}")
    with Popen(command("up"), env=env, stderr=DEVNULL, start_new_session=True) as begun:
        eventually((tmp_path / "secret_key").exists)
        begun.kill()
    done = run("doctor", "--quick", env=env)
    assert done.returncode == 1
    assert "FAIL  core" in done.stdout


def test_the_root_secret_is_made_once_and_for_its_owner_only(running: Up, tmp_path: Path) -> None:
    secret = tmp_path / "data" / "secret_key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    before = secret.read_text()
    running.process.terminate()
    assert running.end() == 0
    with up(tmp_path, TASKFORGE_OLLAMA_URL="http://127.0.0.1:1") as again:
        assert secret.read_text() == before
        assert "none yet" in again.lines[1]


def test_no_process_has_a_secret_that_it_does_not_need(shared: Up) -> None:
    root = (Path(shared.env["TASKFORGE_DATA_DIR"]) / "secret_key").read_text().strip()
    for pid, words in members(shared.process.pid).items():
        assert root not in words
        given = Path(f"/proc/{pid}/environ").read_bytes().decode()
        assert (root in given) == ("serve core" in words), words
        if "serve edge" in words:
            assert "TOKEN" not in given
        if "serve worker" in words:
            assert "TASKFORGE_WORKER_TOKEN=" in given
            assert "OPERATOR" not in given
            assert "DATABASE" not in given


ENDINGS: dict[str, Callable[[int], None]] = {
    "SIGTERM": lambda pid: os.kill(pid, signal.SIGTERM),
    "Ctrl-C": lambda pid: os.killpg(pid, signal.SIGINT),
    "a closed terminal": lambda pid: os.killpg(pid, signal.SIGHUP),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_it_ends_with_0_and_leaves_nothing(running: Up, ending: str) -> None:
    ENDINGS[ending](running.process.pid)
    assert running.end() == 0, running.log.read_text()
    assert not members(running.process.pid)


def test_signals_to_the_group_until_it_is_gone_end_it_no_differently(running: Up) -> None:
    while running.process.poll() is None:
        os.killpg(running.process.pid, signal.SIGTERM)
        time.sleep(0.005)
    assert running.end() == 0, running.log.read_text()
    assert not members(running.process.pid)


def test_a_job_that_runs_when_everything_stops_is_not_lost(
    tmp_path: Path, peer: OllamaPeer
) -> None:
    settings = {"TASKFORGE_OLLAMA_URL": peer.url, "TASKFORGE_DRAIN_S": "1"}
    (tmp_path / "spec.md").write_text(f"{SPEC}\n\n[[peer: hold stopped-with-up]]")
    submit = ("tickets", "submit", str(tmp_path / "spec.md"), "--title", "T")
    with up(tmp_path, **settings) as first:
        run_json("clients", "create", "demo", env=first.env)
        scopes = ("--scope", "tickets:submit", "tickets:read")
        key = run_json("keys", "create", "--client", "demo", *scopes, env=first.env)["api_key"]
        job_id = run(*submit, env=first.env | {"TASKFORGE_API_KEY": key}).stdout.strip()
        eventually(lambda: "hold stopped-with-up" in str(peer.chats()))
        os.killpg(first.process.pid, signal.SIGTERM)
        assert first.end() == 0
        assert "does not stop" not in first.log.read_text()
    peer.release("stopped-with-up")
    with up(tmp_path, **settings) as second:
        env = second.env | {"TASKFORGE_API_KEY": key}
        done = run("tickets", "result", job_id, "--wait", env=env)
        assert done.returncode == 0, done.stderr
        assert key not in first.log.read_text() + second.log.read_text()


def test_nothing_outlives_it_when_it_is_killed(running: Up) -> None:
    running.process.kill()
    running.end()
    eventually(lambda: not members(running.process.pid), within_s=15)


@pytest.mark.parametrize("role", ["core", "edge", "worker"])
def test_a_child_that_is_killed_is_started_again(shared: Up, role: str) -> None:
    before = shared.pids(role)
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: set(shared.pids(role)) - set(before), within_s=15)
    assert f"{role} ended with exit code -9 (SIGKILL); starting it again" in shared.log.read_text()
    eventually(lambda: _is_ready(shared.url), within_s=15)


def test_core_takes_a_signal_of_its_own_as_meant_for_it(shared: Up) -> None:
    before = shared.pids("core")
    os.kill(before[0], signal.SIGTERM)
    eventually(lambda: set(shared.pids("core")) - set(before), within_s=15)
    assert "core ended with exit code 0" in shared.log.read_text()


def test_it_stops_when_a_child_can_never_start(tmp_path: Path) -> None:
    env = environ(
        TASKFORGE_DATA_DIR=str(tmp_path),
        TASKFORGE_CORE_BIND="127.0.0.1:0",
        TASKFORGE_EDGE_BIND="127.0.0.1:0",
    )
    newer = tmp_path / "newer.db"
    env["TASKFORGE_DATABASE_URL"] = f"sqlite:///{newer}"
    assert run("migrate", env=env).returncode == 0
    _pretend_newer(newer)
    done = run("up", env=env)
    assert done.returncode == 2
    assert "TASKFORGE_DATABASE_URL: the database has the migration 9999_later" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("up", env=environ(TASKFORGE_DATA_DIR=str(tmp_path / "file" / "data")))
    assert done.returncode == 2
    assert "TASKFORGE_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def _pretend_newer(path: Path) -> None:

    with sqlite3.connect(path) as database:
        (table,) = database.execute(
            "SELECT name FROM sqlite_master WHERE name LIKE '%migrat%'"
        ).fetchone()
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        row = dict(zip(columns, database.execute(f"SELECT * FROM {table}").fetchone(), strict=True))
        row = {key: value for key, value in row.items() if key != "id"} | {"name": "9999_later"}
        database.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
            list(row.values()),
        )


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
