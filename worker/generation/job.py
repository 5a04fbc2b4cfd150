"""What generation is given, and how it can fail."""

from dataclasses import dataclass
from datetime import timedelta

from tickets.errors import JobErrorCode
from worker.generation.text import one_line, shorten

# As the contract has it for a result.
_LONGEST_NAME = 160


@dataclass(frozen=True, slots=True)
class GenerationJob:
    """A spec to turn into tickets, with every option decided but the count.

    Attributes:
        job_id: Goes into the result.
        title: The request's title, of any length.
        spec: The spec's text.
        ticket_count: Exactly this many tickets, epics included; None: as many as needed.
        max_ticket_count: Never more than this many.
        include_epics: False: no epics and no parents.
        output_detail: `compact`, `standard` or `detailed`.
    """

    job_id: str
    title: str
    spec: str
    ticket_count: int | None
    max_ticket_count: int
    include_epics: bool
    output_detail: str

    @property
    def name(self) -> str:
        """The request's title as a result names it."""
        return shorten(one_line(self.title), _LONGEST_NAME) or "Untitled"


class GenerationError(Exception):
    """The attempt has failed.

    Attributes:
        code: The contract's code for the failed job.
        message: A plain sentence for the client; holds no secret and no URL.
        retryable: Another attempt may do better.
        retry_after: The model's server asked to wait this long.
    """

    def __init__(
        self,
        code: JobErrorCode,
        message: str,
        *,
        retryable: bool,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable
        self.retry_after = retry_after


class GenerationCancelled(Exception):  # noqa: N818 - an order carried out, not an error
    """The job's cancellation has reached the attempt, which has stopped."""


def unusable(message: str) -> GenerationError:
    """What is raised when the model's output cannot be made good."""
    return GenerationError(JobErrorCode.MODEL_OUTPUT_INVALID, message, retryable=False)


def is_the_models(fault: GenerationError) -> bool:
    """Whether the model has failed, by its writing or in its time, rather than its server."""
    return fault.code in {JobErrorCode.MODEL_OUTPUT_INVALID, JobErrorCode.MODEL_TIMEOUT}
