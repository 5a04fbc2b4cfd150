"""What a model that writes is asked: who it is, and one part of the prompt."""

from worker.generation import shape
from worker.generation.calls import Message
from worker.generation.job import GenerationJob
from worker.generation.prompts import fenced, load
from worker.generation.text import one_line, shorten

PROMPT = load("freeform")

_LONGEST_TITLE = 200


def question(job: GenerationJob, part: str, **values: object) -> list[Message]:
    """The messages of a call about a job.

    Args:
        job: What is asked for; gives the title and how much is written.
        part: Of the prompt file, for the user's message.
        values: What the part has blanks for, besides the title.
    """
    title = fenced(shorten(one_line(job.title), _LONGEST_TITLE))
    sentences = shape.DEPTHS[job.output_detail].sentences
    return [
        {"role": "system", "content": PROMPT.fill("system", sentences=sentences)},
        {"role": "user", "content": PROMPT.fill(part, title=title, **values)},
    ]
