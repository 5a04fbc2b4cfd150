"""A bounded run of the mischief; `python -m tests.mischief` does a long one."""

from collections.abc import Iterator

import pytest

from tests.mischief.model import FAULTS
from tests.mischief.trial import impatient, trial
from tests.ollama_peer import OllamaPeer


@pytest.fixture(scope="module")
def peer() -> Iterator[OllamaPeer]:
    with OllamaPeer() as running, impatient():
        running.retry_after = "0"
        yield running


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_any_fault_ends_in_a_valid_result_or_the_right_code(peer: OllamaPeer, fault: str) -> None:
    made = trial(peer, fault, faults=[fault])
    assert not made.wrongs, made.line()


@pytest.mark.parametrize("seed", range(60))
def test_any_mixture_of_faults_does_too(peer: OllamaPeer, seed: int) -> None:
    made = trial(peer, f"mixed {seed}", long=True)
    assert not made.wrongs, made.line()
