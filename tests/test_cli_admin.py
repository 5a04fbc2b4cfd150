"""Operators' commands: what they print for people and for scripts."""

import json
from itertools import count
from typing import Any

import pytest

from tests.stack import Stack

CLIENT_KEYS = {
    "client_id",
    "name",
    "suspended",
    "features",
    "limits",
    "queued_jobs",
    "running_jobs",
    "created_at",
}
KEY_KEYS = {
    "key_id",
    "client_name",
    "name",
    "scopes",
    "hint",
    "created_at",
    "expires_at",
    "revoked_at",
}
_numbers = count(1)


@pytest.fixture
def client() -> str:
    return f"cli client {next(_numbers)}"


def ask(stack: Stack, *arguments: str) -> Any:
    done = stack.run(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_client_is_made_listed_suspended_and_resumed(stack: Stack, client: str) -> None:
    made = ask(stack, "clients", "create", client)
    assert set(made) == CLIENT_KEYS
    assert made["features"] == ["tickets"]
    assert made["limits"] == {"rate_limit": None, "max_queued": None}
    listed = ask(stack, "clients", "list")["clients"]
    assert made in listed
    assert ask(stack, "clients", "suspend", client)["suspended"] is True
    assert ask(stack, "clients", "resume", client)["suspended"] is False


def test_a_name_is_taken_once(stack: Stack, client: str) -> None:
    assert stack.run("clients", "create", client).returncode == 0
    done = stack.run("clients", "create", client)
    assert done.returncode == 1
    assert "NAME_TAKEN" in done.stderr
    assert not done.stdout


def test_features_and_limits(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    assert ask(stack, "clients", "features", client, "--disable", "tickets")["features"] == []
    enabled = ask(stack, "clients", "features", client, "--enable", "tickets")
    assert enabled["features"] == ["tickets"]
    own = ask(stack, "clients", "limits", client, "--rate-limit", "100/minute", "--max-queued", "0")
    assert own["limits"] == {"rate_limit": "100/minute", "max_queued": 0}
    changed = ask(stack, "clients", "limits", client, "--max-queued", "7")
    assert changed["limits"] == {"rate_limit": "100/minute", "max_queued": 7}
    reset = ask(stack, "clients", "limits", client, "--reset")
    assert reset["limits"] == {"rate_limit": None, "max_queued": None}


def test_a_wrong_limit_is_refused_by_name(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    done = stack.run("clients", "limits", client, "--rate-limit", "often")
    assert done.returncode == 1
    assert "rate_limit" in done.stderr


def test_a_key_is_shown_once(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    made = ask(stack, "keys", "create", "--client", client, "--scope", "tickets:read")
    assert set(made) == KEY_KEYS | {"api_key"}
    assert made["api_key"].startswith(f"tfk_{made['key_id']}_")
    listed = stack.run("keys", "list", "--client", client, "--json").stdout
    assert json.loads(listed) == {"keys": [{k: v for k, v in made.items() if k != "api_key"}]}
    assert made["api_key"] not in listed
    assert made["api_key"] not in stack.logs()


def test_for_people_the_key_alone_is_on_stdout(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    done = stack.run("keys", "create", "--client", client, "--scope", "tickets:read")
    assert done.stdout.startswith("tfk_")
    assert len(done.stdout.split()) == 1
    assert done.stdout.strip() not in done.stderr


def test_scopes_can_follow_one_option_and_keys_can_expire(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    scopes = ["tickets:submit", "tickets:read", "tickets:cancel"]
    made = ask(stack, "keys", "create", "--client", client, "--expires", "90d", "--scope", *scopes)
    assert sorted(made["scopes"]) == sorted(scopes)
    assert made["expires_at"] > made["created_at"]


def test_a_key_is_rotated_and_revoked(stack: Stack, client: str) -> None:
    ask(stack, "clients", "create", client)
    old = ask(stack, "keys", "create", "--client", client, "--scope", "tickets:read")
    new = ask(stack, "keys", "rotate", old["key_id"], "--overlap", "1h")
    assert set(new) == KEY_KEYS | {"api_key"}
    assert new["key_id"] != old["key_id"]
    assert new["scopes"] == old["scopes"]
    assert ask(stack, "keys", "revoke", new["key_id"])["revoked_at"]
    keys = {key["key_id"]: key for key in ask(stack, "keys", "list", "--client", client)["keys"]}
    assert keys[old["key_id"]]["expires_at"]
    done = stack.run("keys", "revoke", "unknown")
    assert done.returncode == 1
    assert "KEY_NOT_FOUND" in done.stderr


def test_tables_for_people(stack: Stack, client: str) -> None:
    made = ask(stack, "clients", "create", client)
    assert made["client_id"] in stack.run("clients", "list").stdout
    key = ask(stack, "keys", "create", "--client", client, "--scope", "tickets:read")
    table = stack.run("keys", "list", "--client", client).stdout
    assert key["key_id"] in table
    assert key["api_key"] not in table


def test_a_wrong_operator_token_is_told_from_a_core_that_is_away(stack: Stack) -> None:
    wrong = stack.run("clients", "list", TASKFORGE_OPERATOR_TOKEN="x" * 32)
    assert wrong.returncode == 1
    assert "operator token" in wrong.stderr
    away = stack.run("clients", "list", TASKFORGE_CORE_ADDR="127.0.0.1:1")
    assert away.returncode == 3


def test_doctor_finds_a_running_installation_in_order(stack: Stack) -> None:
    done = stack.run("doctor", "--json")
    report = json.loads(done.stdout)
    assert [check for check in report["checks"] if not check["ok"]] == []
    assert report["ok"] is True
    assert done.returncode == 0
