"""What the command says of itself, and how it ends when it is used wrongly."""

import json
import socket
from pathlib import Path

import pytest

from tests.cli_running import environ, run

COMMANDS = (
    "up",
    "demo",
    "doctor",
    "clients",
    "keys",
    "deliveries",
    "jobs",
    "tickets",
    "serve",
    "migrate",
)
NOBODY = "127.0.0.1:1"


def test_help_lists_the_commands_and_the_exit_codes() -> None:
    done = run("--help")
    assert done.returncode == 0
    for word in (*COMMANDS, "130  interrupted", "3    the server cannot be reached"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        *((name,) for name in COMMANDS),
        ("clients", "create"),
        ("clients", "limits"),
        ("clients", "callback-secret"),
        ("deliveries", "list"),
        ("deliveries", "redeliver"),
        ("keys", "create"),
        ("keys", "rotate"),
        ("jobs", "provenance"),
        ("jobs", "replay"),
        ("serve", "core"),
        ("serve", "worker"),
        ("tickets", "submit"),
        ("tickets", "result"),
    ],
)
def test_every_command_has_help(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, "--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) > 4
    _, _, listed = done.stdout.partition("Commands:")
    assert "..." not in listed, "cut off"


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("clients", "create"),
        ("clients", "features", "acme"),
        ("clients", "limits", "acme"),
        ("clients", "callback-secret", "acme", "--overlap", "1h"),
        ("deliveries", "list"),
        ("keys", "create", "--client", "acme"),
        ("keys", "create", "--client", "acme", "--scope", "everything"),
        ("keys", "create", "--client", "acme", "--scope", "tickets:read", "--expires", "soon"),
        ("jobs", "replay", "0b1f6c1e-7d0c-4a51-9f5e-0c6a4f4b8a11"),
        ("tickets", "submit", "SPEC.md"),
        ("tickets", "submit", "-", "--title", "T", "--out", "x.json"),
        ("tickets", "submit", "-", "--title", "T", "--count", "0"),
    ],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, env=environ(TASKFORGE_API_KEY="tfk_x"))
    assert done.returncode == 2
    assert "Error:" in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("command", [("up",), ("migrate",), ("serve", "core"), ("clients", "list")])
def test_wrong_settings_end_with_2_and_name_each_variable(command: tuple[str, ...]) -> None:
    done = run(*command, env=environ(TASKFORGE_WORKERS="many", TASKFORGE_EDGE_BIND="here"))
    assert done.returncode == 2
    assert "TASKFORGE_WORKERS: must be" in done.stderr
    assert "TASKFORGE_EDGE_BIND: must be" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("variable", ["TASKFORGE_CORE_BIND", "TASKFORGE_EDGE_BIND"])
def test_up_refuses_a_port_in_use(variable: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        free = {"TASKFORGE_CORE_BIND": "127.0.0.1:0", "TASKFORGE_EDGE_BIND": "127.0.0.1:0"}
        done = run(
            "up", env=environ(**(free | {variable: address}), TASKFORGE_DATA_DIR=str(tmp_path))
        )
    assert done.returncode == 2
    assert f"{variable}: cannot listen at {address}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["core", "edge"])
def test_one_process_refuses_a_port_in_use(name: str, tmp_path: Path) -> None:
    variable = f"TASKFORGE_{name.upper()}_BIND"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        env = environ(**{variable: address}, TASKFORGE_DATA_DIR=str(tmp_path))
        assert run("migrate", env=env).returncode == 0
        done = run("serve", name, env=env)
    assert done.returncode == 2
    assert f"{variable}: cannot listen at {address}" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_the_edge_refuses_a_name_that_is_no_address(tmp_path: Path) -> None:
    where = {"TASKFORGE_EDGE_BIND": "nowhere.invalid:8080", "TASKFORGE_DATA_DIR": str(tmp_path)}
    done = run("serve", "edge", env=environ(**where))
    assert done.returncode == 2
    assert "TASKFORGE_EDGE_BIND: cannot listen at nowhere.invalid:8080" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_core_refuses_a_database_that_is_not_prepared(tmp_path: Path) -> None:
    done = run("serve", "core", env=environ(TASKFORGE_DATA_DIR=str(tmp_path)))
    assert done.returncode == 2
    assert "taskforge migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_migrate_says_what_it_applied_and_then_does_nothing(tmp_path: Path) -> None:
    env = environ(TASKFORGE_DATA_DIR=str(tmp_path))
    assert json.loads(run("migrate", "--json", env=env).stdout)["applied"]
    assert json.loads(run("migrate", "--json", env=env).stdout) == {"applied": []}


def test_a_worker_without_a_token_says_so(tmp_path: Path) -> None:
    done = run("serve", "worker", env=environ(TASKFORGE_DATA_DIR=str(tmp_path)))
    assert done.returncode == 2
    assert "TASKFORGE_WORKER_TOKEN" in done.stderr


@pytest.mark.parametrize("text", ["", "no certificates"])
def test_a_worker_refuses_a_file_without_certificates(text: str, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(text)
    env = environ(
        TASKFORGE_DATA_DIR=str(tmp_path),
        TASKFORGE_WORKER_TOKEN="w" * 32,
        TASKFORGE_OLLAMA_URL=f"http://{NOBODY}",
        TASKFORGE_CALLBACK_CA_FILE=str(tmp_path / "ca.pem"),
    )
    done = run("serve", "worker", env=env)
    assert done.returncode == 2
    assert "TASKFORGE_CALLBACK_CA_FILE" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["10.0.0.1", "https://inside.example", "a b/c", "::1", "*.x"])
def test_internal_hosts_are_names(value: str) -> None:
    done = run("clients", "list", env=environ(TASKFORGE_CALLBACK_INTERNAL_HOSTS=value))
    assert done.returncode == 2
    assert "TASKFORGE_CALLBACK_INTERNAL_HOSTS: must be names" in done.stderr


def test_operators_without_a_token_are_told_where_it_comes_from(tmp_path: Path) -> None:
    done = run("clients", "list", env=environ(TASKFORGE_DATA_DIR=str(tmp_path)))
    assert done.returncode == 2
    assert "TASKFORGE_OPERATOR_TOKEN" in done.stderr


def test_a_core_that_is_away_is_one_line_and_3() -> None:
    env = environ(TASKFORGE_OPERATOR_TOKEN="x" * 32, TASKFORGE_CORE_ADDR=NOBODY)
    done = run("clients", "list", env=env)
    assert done.returncode == 3
    assert done.stderr.startswith(f"Error: core does not answer at {NOBODY}")
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_is_away_is_3_and_tells_how_to_repeat_a_submit(tmp_path: Path) -> None:
    env = environ(TASKFORGE_API_KEY="tfk_secret", TASKFORGE_URL=f"http://{NOBODY}")
    assert run("tickets", "list", env=env).returncode == 3
    done = run("tickets", "submit", "-", "--title", "T", env=env, given="Spec")
    assert done.returncode == 3
    assert "--idempotency-key" in done.stderr
    assert "tfk_secret" not in done.stderr


def test_a_caller_without_a_key_is_told_so() -> None:
    done = run("tickets", "list")
    assert done.returncode == 2
    assert "TASKFORGE_API_KEY" in done.stderr


def test_a_spec_that_is_no_text_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "spec.md").write_bytes(b"\xff\xfe")
    env = environ(TASKFORGE_API_KEY="tfk_x")
    for name in ("spec.md", "missing.md"):
        done = run("tickets", "submit", str(tmp_path / name), "--title", "T", env=env)
        assert done.returncode == 2
        assert name in done.stderr


def test_doctor_on_an_empty_machine_fails_with_a_remedy_for_each_fault(tmp_path: Path) -> None:
    env = environ(TASKFORGE_DATA_DIR=str(tmp_path / "data"), TASKFORGE_CORE_BIND=NOBODY)
    done = run("doctor", "--quick", "--json", env=env)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["ok"] is False
    found = {check["name"]: check for check in report["checks"]}
    for name in ("data folder", "root secret", "database", "queue", "core", "worker"):
        assert not found[name]["ok"], found[name]
        assert found[name]["remedy"], found[name]
    assert not (tmp_path / "data").exists(), "looking has made something"
