"""Who is answered with whom, by a callable that can be held up."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from serving.together import Together


class Counter:
    """Doubles numbers, refuses those below 0, and can be held up while others come."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.begun, self.go_on = threading.Event(), threading.Event()

    def doubled(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        self.begun.set()
        assert self.go_on.wait(60)
        if min(numbers) < 0:
            raise ValueError(min(numbers))
        return [2 * number for number in numbers]


def asked_meanwhile(counter: Counter, questions: Sequence[tuple[str, int]]) -> list[Future[int]]:
    """Ask one question, the others while it is answered, and let all be answered."""
    together = Together(counter.doubled)
    with ThreadPoolExecutor(len(questions)) as pool:
        futures = [pool.submit(together.ask, *questions[0])]
        assert counter.begun.wait(60)
        futures += [pool.submit(together.ask, *question) for question in questions[1:]]
        while len(together._waiting) < len(questions) - 1:  # noqa: SLF001 - all are in line, which nobody is told
            threading.Event().wait(0.001)
        counter.go_on.set()
    return futures


def test_those_who_come_meanwhile_are_answered_together_each_with_his_own_answer() -> None:
    counter = Counter()
    answers = [future.result() for future in asked_meanwhile(counter, [("a", n) for n in range(5)])]
    assert answers == [0, 2, 4, 6, 8]
    assert [len(numbers) for numbers in counter.asked] == [1, 4]


def test_questions_of_another_kind_are_answered_apart() -> None:
    counter = Counter()
    answers = [
        future.result() for future in asked_meanwhile(counter, [("a", 1), ("a", 2), ("b", 3), ("a", 4)])
    ]
    assert answers == [2, 4, 6, 8]
    assert sorted(sorted(numbers) for numbers in counter.asked) == [[1], [2, 4], [3]]


def test_one_that_cannot_be_answered_spoils_none_of_the_others() -> None:
    found = asked_meanwhile(Counter(), [("a", 1), ("a", -1), ("a", 3)])
    assert [found[0].result(), found[2].result()] == [2, 6]
    with pytest.raises(ValueError, match="-1"):
        found[1].result()
