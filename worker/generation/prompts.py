"""Prompt texts: files in `worker/prompts/`, each with a version and one part per message.

A file begins with `version: N`. Parts begin with `# name`; `{{word}}` stands
for what the code fills in.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "prompts"
# "# name" and all up to the next.
_PART = re.compile(r"^# (\w+)\n(.*?)(?=^# |\Z)", re.DOTALL | re.MULTILINE)
_BLANK = re.compile(r"\{\{(\w+)\}\}")
# The marks that the spec stands between.
_FENCE = re.compile(r"<(/?\s*spec\s*)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt file."""

    name: str
    version: int
    parts: dict[str, str]

    @property
    def label(self) -> str:
        """The file and its version, for the records."""
        return f"{self.name} {self.version}"

    def fill(self, part: str, **values: object) -> str:
        """A part's text with its blanks filled; what is filled in is not looked at again."""
        return _BLANK.sub(lambda blank: str(values[blank.group(1)]), self.parts[part])


@cache
def load(name: str) -> Prompt:
    """The prompt in `NAME.md`."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    head, _, body = text.partition("\n")
    parts = {part: content.strip() for part, content in _PART.findall(body)}
    return Prompt(name, int(head.removeprefix("version:")), parts)


def fenced(text: str) -> str:
    """The text without what would end the fence that it stands in."""
    return _FENCE.sub(r"(\1)", text)
