"""Preparing a database: once, whoever asks at the same time, and never an unknown newer one."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playhouse.migrations import Runner

from core.models import Table
from tests.conftest import storage
from tests.stack import Stack
from tests.storage import execute, opened

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def unprepared(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Stack:
    """An installation with an empty database, none of it started."""
    return Stack(storage(backend, request), tmp_path)


@pytest.fixture
def newer(unprepared: Stack) -> Stack:
    """One whose database a later release has prepared."""
    assert unprepared.run("migrate").returncode == 0
    execute(
        unprepared,
        "INSERT INTO schema_migration (name, applied) VALUES (?, ?)",
        "9999_from_the_future",
        "2099-01-01 00:00:00",
    )
    return unprepared


def applied(stack: Stack) -> list[str]:
    return [name for (name,) in execute(stack, "SELECT name FROM schema_migration ORDER BY id")]


def test_several_at_once_prepare_a_database_once(unprepared: Stack) -> None:
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: unprepared.run("migrate", "--json"), range(4)))

    assert [each.returncode for each in done] == [0] * 4, [each.stderr for each in done]
    names = applied(unprepared)
    assert names
    assert len(set(names)) == len(names)

    again = unprepared.run("migrate")
    assert again.returncode == 0
    assert applied(unprepared) == names


def test_a_newer_database_is_refused_and_left_alone(newer: Stack) -> None:
    before = applied(newer)

    refused = newer.run("migrate")

    assert refused.returncode == 2
    assert "9999_from_the_future" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert applied(newer) == before


def test_a_newer_database_is_told_by_core_and_doctor(newer: Stack) -> None:
    core, doctor = newer.run("serve", "core"), newer.run("doctor", "--quick")

    assert (core.returncode, doctor.returncode) == (2, 1)
    assert "9999_from_the_future" in core.stderr
    assert "9999_from_the_future" in doctor.stdout
    assert "Traceback" not in core.stderr + doctor.stderr


def test_core_does_not_start_over_an_unprepared_database(unprepared: Stack) -> None:
    refused = unprepared.run("serve", "core")

    assert refused.returncode == 2
    assert "taskforge migrate" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_clients_from_before_there_were_callbacks_get_a_secret(unprepared: Stack) -> None:
    with opened(unprepared) as database:
        Runner(database, str(ROOT / "core" / "migrations")).up("0001_initial")
    execute(
        unprepared,
        "INSERT INTO clients (id, name, features, queued, running, served_at, created_at)"
        " VALUES (?, 'old', 'tickets', 0, 0, 0, 1)",
        uuid4().hex,
    )
    assert unprepared.run("migrate").returncode == 0

    unprepared.core.start()
    try:
        shown = unprepared.run("clients", "callback-secret", "old")
    finally:
        unprepared.core.stop()

    assert shown.stdout.startswith("whsec_")


def test_models_and_migrations_have_the_same_columns(stack_without_worker: Stack) -> None:
    with opened(stack_without_worker) as database:
        for model in Table.__subclasses__():
            meta: Any = model._meta  # noqa: SLF001 - peewee's own name for it
            stored = {column.name: column.null for column in database.get_columns(meta.table_name)}
            declared = {field.column_name: field.null for field in meta.sorted_fields}
            assert stored == declared, meta.table_name
