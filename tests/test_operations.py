"""docs/operations.md: its commands do what they are for, as they stand; it names what exists."""

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.ollama_peer import OllamaPeer
from tests.servers import PostgresServer, RedisServer, postgres_programs
from tests.stack import Stack, running
from tickets.settings import Settings, variable

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def block(containing: str) -> str:
    (found,) = (text for text in BLOCKS if containing in text)
    return str(found)


def shell(script: str, stack: Stack, backup: Path) -> str:
    """Runs commands of the page, in the environment of an installation; returns what they print."""
    places = [str(Path(sys.executable).parent), str(postgres_programs()), stack.environ["PATH"]]
    ran = subprocess.run(
        ["bash", "-euc", script],
        env={**stack.environ, "backup": str(backup), "PATH": ":".join(places)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def finished(stack: Stack) -> tuple[str, str, bytes]:
    """A key, a job of its client, and the job's result."""
    caller = stack.caller()
    job_id = caller.submit()
    assert caller.wait(job_id)["status"] == "completed"
    return caller.key, job_id, result(stack, caller.key, job_id)


def result(stack: Stack, key: str, job_id: str) -> bytes:
    environ = {"TASKFORGE_URL": stack.url, "TASKFORGE_API_KEY": key}
    done = stack.run("tickets", "result", job_id, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.encode()


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True, scope="session")
def test_jobs_of_the_last_day_are_counted(stack: Stack, tmp_path: Path) -> None:
    finished(stack)
    printed = shell(block("psql"), stack, tmp_path)
    assert re.search(rf"completed *\|[ |]*[1-9]\d* *\| *{datetime.now(UTC):%Y}", printed), printed


@pytest.mark.slow
def test_sqlite_is_restored_with_its_keys_and_results(peer: OllamaPeer, tmp_path: Path) -> None:
    # The root secret in its file, as `taskforge up` makes it.
    environ = {"TASKFORGE_OLLAMA_URL": peer.url}
    backup, folder = tmp_path / "backup", tmp_path / "stack"
    folder.mkdir()
    (folder / "secret_key").write_text(Stack(environ, folder).environ["TASKFORGE_SECRET_KEY"])
    with running(environ, folder) as stack:
        key, job_id, was = finished(stack)
        shell(block("VACUUM INTO"), stack, backup)
        lost = stack.caller().key
    shutil.rmtree(folder)

    restored = Stack(environ, folder)
    shell(block('cp -p "$backup/taskforge.db"'), restored, backup)
    assert (folder / "secret_key").read_text() == restored.environ["TASKFORGE_SECRET_KEY"]
    with running(environ, folder) as stack:
        assert result(stack, key, job_id) == was
        refused = {"TASKFORGE_URL": stack.url, "TASKFORGE_API_KEY": lost}
        assert "unauthorized" in stack.run("tickets", "list", **refused).stderr


@pytest.mark.slow
def test_postgresql_is_restored_with_its_keys_and_results(
    peer: OllamaPeer, postgres_server: PostgresServer, redis_server: RedisServer, tmp_path: Path
) -> None:
    backup, before, after = (tmp_path / name for name in ("backup", "before", "after"))
    for folder in (backup, before, after):
        folder.mkdir()

    def environ() -> dict[str, str]:
        return {
            "TASKFORGE_OLLAMA_URL": peer.url,
            "TASKFORGE_DATABASE_URL": postgres_server.create_database("backup"),
            "TASKFORGE_QUEUE_URL": redis_server.fresh_url(),
        }

    with running(environ(), before) as stack:
        key, job_id, was = finished(stack)
        shell(block("pg_dump"), stack, backup)

    empty = environ()
    shell(block("pg_restore"), Stack(empty, after), backup)
    with running(empty, after) as stack:
        assert result(stack, key, job_id) == was


@pytest.mark.slow
def test_without_the_root_secret_keys_are_void(peer: OllamaPeer, tmp_path: Path) -> None:
    with running({"TASKFORGE_OLLAMA_URL": peer.url}, tmp_path) as stack:
        key, _, _ = finished(stack)
    other = {"TASKFORGE_OLLAMA_URL": peer.url, "TASKFORGE_SECRET_KEY": "another root secret"}
    with running(other, tmp_path, rooms=("core", "edge")) as stack:
        environ = {"TASKFORGE_URL": stack.url, "TASKFORGE_API_KEY": key}
        assert "unauthorized" in stack.run("tickets", "list", **environ).stderr


def test_the_certificates_that_its_commands_make_are_good(tmp_path: Path) -> None:
    shell(f"cd {tmp_path}\n{block('openssl req')}", Stack({}, tmp_path), tmp_path)
    names = {
        "TASKFORGE_CORE_TLS_CERT": "core.pem",
        "TASKFORGE_CORE_TLS_KEY": "core.key",
        "TASKFORGE_CORE_TLS_CLIENT_CA": "ca.pem",
        "TASKFORGE_CORE_TLS_CA": "ca.pem",
        "TASKFORGE_CORE_TLS_CLIENT_CERT": "caller.pem",
        "TASKFORGE_CORE_TLS_CLIENT_KEY": "caller.key",
    }
    environ = {name: str(tmp_path / file) for name, file in names.items()}
    with running(environ, tmp_path, rooms=("core",)) as stack:
        assert stack.run("clients", "list").returncode == 0
        without = {"TASKFORGE_CORE_TLS_CLIENT_CERT": "", "TASKFORGE_CORE_TLS_CLIENT_KEY": ""}
        assert stack.run("clients", "list", **without).returncode != 0


def test_each_variable_is_a_setting() -> None:
    declared = {variable(one) for one in Settings.__dataclass_fields__.values()}
    assert set(re.findall(r"TASKFORGE_[A-Z_]+", PAGE)) <= declared


@pytest.mark.parametrize(
    "command",
    sorted(set(re.findall(r"`taskforge ((?:serve |keys |clients |deliveries )?[a-z-]+)", PAGE))),
)
def test_each_command_exists(command: str, tmp_path: Path) -> None:
    assert Stack({}, tmp_path).run(*command.split(), "--help").returncode == 0


def test_each_line_of_the_log_is_one_that_is_written() -> None:
    """Wherever in the code it stands."""
    sentence = re.search(r"lines of the log: (.*?)\.\n", PAGE, re.DOTALL)
    assert sentence
    lines = [re.sub(r"\s+", " ", line) for line in re.findall(r"`([^`]+)`", sentence[1])]
    code = "".join(
        path.read_text() for room in ("core", "worker") for path in (ROOT / room).rglob("*.py")
    )
    assert [line for line in lines if line.removeprefix("the database is ") not in code] == []
