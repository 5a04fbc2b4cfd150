"""The commands that mend what is wrong with the model at a server.

Whoever is asked for one may be on another machine than the server: what goes
over the network is sent from here, the rest names the machine to run it on.
"""

import json
import shlex
import shutil
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from worker.model_server import STANDARD_URL
from worker.ollama import OllamaClient

GOOD_MODEL = "qwen3:8b"
_SMALLER_MODEL = "qwen3:4b"
_INSTALL = "curl -fsSL https://ollama.com/install.sh | sh"


class Remedy(NamedTuple):
    """A command, and the machine to run it on; None: this one."""

    command: str
    machine: str | None = None


def start(client: OllamaClient) -> Remedy:
    """For a server that is not there."""
    if _is_here(client) and shutil.which("ollama") is None:
        return Remedy(_INSTALL)
    return Remedy(_serve(client), _machine(client))


def restart(client: OllamaClient, setting: str = "") -> Remedy:
    """For a server that is there and fails, or that needs a setting, such as `NAME=1 `."""
    return Remedy(f"pkill -x ollama; {setting}{_serve(client)}", _machine(client))


def update(client: OllamaClient) -> Remedy:
    """For a server that lacks something; the installer updates, too."""
    return Remedy(_INSTALL, _machine(client))


def pull(client: OllamaClient, model: str) -> Remedy:
    if _is_here(client):
        return Remedy(f"{_own_port(client)}ollama pull {shlex.quote(model)}")
    return _posted(client, "/api/pull", {"model": model})


def use(client: OllamaClient, model: str = GOOD_MODEL) -> Remedy:
    """For a model that will not do."""
    chosen = f"export TASKFORGE_OLLAMA_MODEL={shlex.quote(model)}"
    return Remedy(f"{pull(client, model).command} && {chosen}")


def use_smaller(client: OllamaClient) -> Remedy:
    """For a model that the server's memory is too small for."""
    return use(client, _SMALLER_MODEL)


def load_anew(client: OllamaClient, model: str) -> Remedy:
    """For a model that hangs or rambles: the next call loads it."""
    if _is_here(client):
        return Remedy(f"{_own_port(client)}ollama stop {shlex.quote(model)}")
    return _posted(client, "/api/generate", {"model": model, "keep_alive": 0})


def _posted(client: OllamaClient, path: str, body: dict[str, object]) -> Remedy:
    url = client.public_url + path
    return Remedy(f"curl {shlex.quote(url)} -d {shlex.quote(json.dumps(body))}")


def _serve(client: OllamaClient) -> str:
    if _is_here(client):
        return f"{_own_port(client)}ollama serve"
    # By itself it listens to its own machine only.
    port = urlsplit(client.url).port or urlsplit(STANDARD_URL).port
    return f"OLLAMA_HOST=0.0.0.0:{port} ollama serve"


def _own_port(client: OllamaClient) -> str:
    """What has the `ollama` command talk to this server, where that is not its own default."""
    standard = urlsplit(STANDARD_URL).netloc
    return "" if client.address == standard else f"OLLAMA_HOST={client.address} "


def _machine(client: OllamaClient) -> str | None:
    return None if _is_here(client) else urlsplit(client.url).hostname


def _is_here(client: OllamaClient) -> bool:
    host = urlsplit(client.url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
