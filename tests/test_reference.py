"""The pages of `docs/` say what the code says."""

import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

import worker.generation
from cli import reference
from tickets.errors import WIRE
from tickets.lifecycle import TRANSITIONS
from tickets.settings import Settings, variable


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reference, "DOCS", tmp_path)
    reference.write(tmp_path)
    return tmp_path


def check() -> tuple[int, str]:
    result = CliRunner().invoke(reference.main, ["--check"])
    return result.exit_code, result.output


def test_the_committed_pages_are_in_step() -> None:
    assert check() == (0, "")


def test_pages_just_written_are_in_step(docs: Path) -> None:
    assert CliRunner().invoke(reference.main).exit_code == 0
    assert check() == (0, "")
    assert {page.name for page in docs.iterdir()} == {"settings.md", "lifecycle.md", "errors.md"}


@pytest.mark.parametrize("name", ["settings.md", "lifecycle.md", "errors.md"])
def test_a_changed_page_is_named_with_the_remedy(docs: Path, name: str) -> None:
    with (docs / name).open("a", encoding="utf-8") as page:
        page.write("more\n")
    code, output = check()
    assert code == 1
    assert f"docs/{name};" in output
    assert "make docs" in output


def test_a_missing_page_is_out_of_step(docs: Path) -> None:
    (docs / "errors.md").unlink()
    assert check()[0] == 1


def test_a_page_says_first_that_it_is_generated(docs: Path) -> None:
    for page in docs.iterdir():
        assert page.read_text(encoding="utf-8").startswith("<!-- Made from tickets/")


def test_nothing_is_left_out(docs: Path) -> None:
    settings, lifecycle, errors = (
        (docs / name).read_text(encoding="utf-8")
        for name in ("settings.md", "lifecycle.md", "errors.md")
    )
    assert all(f"`{variable(declared)}`" in settings for declared in fields(Settings))
    assert all(f"| {row.verb} | {row.actor} | {row.when} |" in lifecycle for row in TRANSITIONS)
    assert all(f"| `{reason}` |" in errors for reason in WIRE)


def test_the_guide_names_files_that_exist() -> None:
    root = Path(__file__).resolve().parent.parent
    guide = (root / "docs" / "development.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:core|cli|docs|edge|proto|tests|tickets|worker)/[\w./]*)`", guide)
    assert named
    assert [path for path in named if not (root / path).exists()] == []


def test_the_map_of_generation_names_each_of_its_modules() -> None:
    named = set(re.findall(r"`(\w+)`", worker.generation.__doc__ or ""))
    modules = {module.name for module in pkgutil.iter_modules(worker.generation.__path__)}
    assert named == modules
