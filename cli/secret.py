"""The root secret: made once in the data folder, and what each process gets of it."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

from cli.failure import SettingsFailure
from tickets import tokens
from tickets.settings import Settings


def path(settings: Settings) -> Path:
    """Where the root secret is kept when no setting gives it."""
    return settings.data_dir / "secret_key"


def find(settings: Settings) -> str | None:
    """The root secret that is set, or was made earlier."""
    if settings.secret_key:
        return settings.secret_key
    try:
        return path(settings).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as fault:
        raise SettingsFailure(
            f"TASKFORGE_DATA_DIR: the root secret cannot be read: {fault}"
        ) from None


def find_or_make(settings: Settings) -> str:
    """The root secret, made in the data folder when there is none yet."""
    found = find(settings)
    if found:
        return found
    try:
        _make(path(settings))
    except OSError as fault:
        raise SettingsFailure(
            f"TASKFORGE_DATA_DIR: the root secret cannot be written: {fault}"
        ) from None
    return path(settings).read_text(encoding="ascii").strip()


def operator_token(settings: Settings) -> str:
    """What commands for operators show to core.

    Raises:
        SettingsFailure: It is not set, and there is no root secret to derive it from.
    """
    return settings.operator_token or tokens.operator_token(_root_of(settings, "OPERATOR_TOKEN"))


def worker_token(settings: Settings) -> str:
    """What a worker shows to core; raises like `operator_token`."""
    return settings.worker_token or tokens.worker_token(_root_of(settings, "WORKER_TOKEN"))


def with_secrets(settings: Settings, root: str) -> Settings:
    """Settings for core: the root secret, and the tokens that derive from it."""
    rooted = replace(settings, secret_key=root)
    return replace(rooted, operator_token=operator_token(rooted), worker_token=worker_token(rooted))


def _root_of(settings: Settings, derived: str) -> str:
    root = find(settings)
    if root is None:
        raise SettingsFailure(
            f"TASKFORGE_{derived}: is not set, and there is no root secret in {settings.data_dir} "
            "to derive it from; set it, or TASKFORGE_DATA_DIR to the folder that `taskforge up` "
            "uses"
        )
    return root


def _make(target: Path) -> None:
    """Writes a new secret whole or not at all; the first of several processes wins."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(48)}\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            # Unlike a rename, a link never replaces what another process has made.
            target.hardlink_to(draft)
        except FileExistsError:
            return
    finally:
        draft.unlink()
