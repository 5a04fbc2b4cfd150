"""The environment as commands read it: settings, secrets, and where to write."""

import os
from collections.abc import Mapping
from pathlib import Path

from cli.failure import SettingsFailure
from tickets.settings import Settings, SettingsError, load


def settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment asks for; ends the command when they are wrong."""
    try:
        return load(environ, read_text)
    except SettingsError as fault:
        raise SettingsFailure(str(fault)) from None


def read_text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


def secret(name: str) -> str | None:
    """A secret that is no setting of a server, given as NAME or as NAME_FILE."""
    file = os.environ.get(f"{name}_FILE")
    try:
        value = read_text(file) if file else os.environ.get(name, "")
    except (OSError, ValueError) as fault:
        raise SettingsFailure(f"{name}_FILE: {fault}") from None
    return value.strip() or None
