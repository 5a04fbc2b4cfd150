"""Dockerfile and docker-compose.yml agree with each other, the settings, the commands and the tree.

No engine builds or runs them here; what the image would run is tried from the wheel it installs.
"""

import json
import re
import shlex
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from cli import probe
from tickets.settings import Settings, load, variable

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"] == "taskforge-tickets"}
SERVERS = ("core", "edge", "worker")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# The instructions, each on one line.
DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text()).splitlines()

SECRET_FILES = {
    name: "postgresql://taskforge:secret@postgres:5432/taskforge\n"
    if name == "database_url"
    else f"{'s' * 64}\n"
    for name in COMPOSE["secrets"]
}


def environment(service: str) -> dict[str, str]:
    """A service's variables, with the defaults of those that compose fills in."""
    return {
        name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        for name, value in SERVICES[service].get("environment", {}).items()
    }


def settings(service: str) -> Settings:
    """What the service reads from its environment and from the secrets that it is given."""

    def read_text(path: str) -> str:
        folder, _, name = path.rpartition("/")
        assert folder == "/run/secrets"
        assert name in SERVICES[service]["secrets"]
        return SECRET_FILES[name]

    return load(environment(service), read_text)


def secrets_of(service: str) -> set[str]:
    return set(SERVICES[service].get("secrets", []))


def networks_of(service: str) -> set[str]:
    return set(SERVICES[service]["networks"])


def instructions(name: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in DOCKERFILE if line.startswith(f"{name} ")]


# Settings and secrets


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting(service: str) -> None:
    declared = {variable(one) for one in fields(Settings)}
    declared |= {f"{variable(one)}_FILE" for one in fields(Settings) if one.metadata["secret"]}
    assert set(environment(service)) <= declared


@pytest.mark.parametrize("service", OURS)
def test_the_environment_is_valid(service: str) -> None:
    read = settings(service)
    if service in {"core", "migrate"}:
        assert read.database_url == SECRET_FILES["database_url"].strip()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_given_the_secrets_that_it_names(service: str) -> None:
    named = {
        value.removeprefix("/run/secrets/")
        for name, value in environment(service).items()
        if name.endswith("_FILE")
    }
    assert named == secrets_of(service)


def test_core_alone_holds_the_root_secret() -> None:
    assert {name for name in SERVICES if "secret_key" in secrets_of(name)} == {"core"}
    assert {name for name in SERVICES if "operator_token" in secrets_of(name)} == {"core"}
    assert secrets_of("worker") == {"worker_token"}
    assert secrets_of("edge") == set()


def test_no_secret_stands_in_the_file() -> None:
    secret = {variable(one) for one in fields(Settings) if one.metadata["secret"]}
    # The queue's address holds no password here.
    plain = {name for service in OURS for name in environment(service)} & secret
    assert plain <= {"TASKFORGE_QUEUE_URL"}
    assert all(urlsplit(settings(name).queue_url).password is None for name in OURS)


def test_the_head_of_the_file_makes_every_secret() -> None:
    head = (ROOT / "docker-compose.yml").read_text().partition("\nname:")[0]
    for name, source in COMPOSE["secrets"].items():
        assert source["file"] == f"./secrets/{name}"
        assert re.search(rf"\b{name}\b", head)


# How services hang together


@pytest.mark.parametrize("service", SERVICES)
def test_what_a_service_waits_for_can_come_true(service: str) -> None:
    for name, wait in SERVICES[service].get("depends_on", {}).items():
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[name]
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert "restart" not in SERVICES[name]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reaches_the_hosts_that_it_names(service: str) -> None:
    texts = [*environment(service).values(), *(SECRET_FILES[name] for name in secrets_of(service))]
    hosts = {urlsplit(text if "//" in text else f"//{text}").hostname or "" for text in texts}
    for host in hosts & set(SERVICES):
        assert networks_of(service) & networks_of(host), host


def test_workers_and_edge_cannot_reach_the_database() -> None:
    for service in ("worker", "edge"):
        assert not networks_of(service) & networks_of("postgres")


def test_networks_and_volumes_are_declared() -> None:
    assert set().union(*map(networks_of, SERVICES)) == set(COMPOSE["networks"])
    mounted = {one.split(":")[0] for name in SERVICES for one in SERVICES[name].get("volumes", [])}
    assert mounted == set(COMPOSE["volumes"])


def test_only_the_edge_is_published_and_on_loopback() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {"edge": ["127.0.0.1:${EDGE_PORTS:-8080}:8080"]}
    assert settings("edge").edge_bind == "0.0.0.0:8080"


def test_the_docs_scale_only_what_can_be_scaled() -> None:
    """A port, or a volume of its own, is there once: two containers would collide."""
    documents = [ROOT / "docker-compose.yml", ROOT / "docs" / "operations.md", ROOT / "README.md"]
    commands = [
        line for one in documents for line in one.read_text().split("\n") if "--scale" in line
    ]
    assert commands
    for command in commands:
        scaled = set(re.findall(r"--scale (\w+)=", command))
        assert scaled <= set(SERVERS)
        assert "edge" not in scaled or re.search(r"EDGE_PORTS=\d+-\d+", command), command


@pytest.mark.parametrize("service", SERVERS)
def test_a_server_comes_back_and_has_time_to_drain(service: str) -> None:
    assert SERVICES[service]["restart"] == "unless-stopped"
    grace = SERVICES[service]["stop_grace_period"]
    assert float(grace.removesuffix("s")) > settings(service).drain_s


@pytest.mark.parametrize("service", ["core", "edge"])
def test_the_probe_of_a_server_is_a_real_command(service: str) -> None:
    command = SERVICES[service]["healthcheck"]["test"]
    assert command[:4] == ["CMD", "python", "-m", "cli.probe"]
    # Refuses words that it does not know.
    assert probe.main.make_context("probe", command[4:]).params == {"server": service}


# The image


def test_every_copied_path_exists_and_is_sent_to_the_engine() -> None:
    ignored = [
        line
        for line in (ROOT / ".dockerignore").read_text().split("\n")
        if line and not line.startswith("#")
    ]
    sources = [
        one for words in instructions("COPY") for one in words[:-1] if "--from" not in words[0]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not any(fnmatch(source, pattern) for pattern in ignored), source


def test_all_that_the_wheel_is_made_of_is_copied() -> None:
    copied = {source for words in instructions("COPY") for source in words[:-1]}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [*wheel["packages"], *wheel["force-include"], "pyproject.toml", "README.md"]
    assert [path for path in needed if not any(path.startswith(one) for one in copied)] == []


def test_the_image_starts_our_command_and_not_as_root() -> None:
    (entry,) = (line for line in DOCKERFILE if line.startswith("ENTRYPOINT "))
    (program,) = json.loads(entry.removeprefix("ENTRYPOINT "))
    assert program in PROJECT["project"]["scripts"]
    assert instructions("USER") == [["10001:10001"]]
    assert {words[0] for words in instructions("FROM")} == {"python:3.11-slim"}


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built, unpacked = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = built.iterdir()
    zipfile.ZipFile(wheel).extractall(unpacked)
    return unpacked


@pytest.mark.parametrize("service", OURS)
def test_every_command_is_one_of_the_installed_program(service: str, unpacked_wheel: Path) -> None:
    command = [sys.executable, "-m", "cli.main", *SERVICES[service]["command"], "--help"]
    result = subprocess.run(
        command, cwd=unpacked_wheel, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert SERVICES[service]["command"][-1] in result.stdout


def test_the_wheel_carries_the_contract_and_the_migrations(unpacked_wheel: Path) -> None:
    assert (unpacked_wheel / "tickets" / "openapi.json").is_file()
    assert {path.name for path in (unpacked_wheel / "core" / "migrations").glob("*.py")} == {
        path.name for path in (ROOT / "core" / "migrations").glob("*.py")
    }
