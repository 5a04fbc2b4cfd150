"""Writers of one process take turns, by their order of arrival."""

import threading
from functools import partial

import pytest

from core.turns import Turns
from tests.waiting import eventually


def waits(turns: Turns, count: int) -> bool:
    return len(turns._waiting) == count  # noqa: SLF001 - nothing else tells that a thread waits


def test_who_came_first_is_next() -> None:
    turns, order = Turns(), list[int]()

    def take(number: int) -> None:
        with turns:
            order.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(20)]
    with turns:
        for number, thread in enumerate(threads):
            thread.start()
            eventually(partial(waits, turns, number + 1))
        assert order == []
    for thread in threads:
        thread.join(10)

    assert order == list(range(20))


def test_one_that_fails_lets_the_next_in() -> None:
    turns = Turns()

    with pytest.raises(ValueError, match="wrong"), turns:
        raise ValueError("wrong")

    with turns:
        pass
