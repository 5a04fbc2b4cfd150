"""A hog's queue costs others little: core's own claims, with time simulated."""

import pytest

from bench.fairness import waits


@pytest.mark.parametrize("slots", [1, 4])
def test_a_hog_delays_others_by_at_most_a_generation(slots: int) -> None:
    alone, beside = waits(0, 30, slots), waits(300, 30, slots)

    assert len(alone) == len(beside) == 30
    assert max(late - early for early, late in zip(alone, beside, strict=True)) <= 1
