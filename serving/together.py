"""Answers to those who ask while others are answered: of few customers, several take little longer than one."""

import threading
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class _Waiting(Generic[Question, Answer]):
    def __init__(self, kind: Hashable, question: Question) -> None:
        self.kind, self.question = kind, question
        self.answers: list[Answer] = []
        self.error: Exception | None = None
        self.done = False


class Together(Generic[Question, Answer]):
    """Answers questions of one kind all at once; nobody waits for others to come.

    Whoever comes first is answered alone, and whoever comes meanwhile with the next: by the thread that is first to
    go on, so that there is no thread and no time limit to set.

    Parameters
    ----------
    answers : callable
        From some questions of one kind to an answer each.
    """

    def __init__(self, answers: Callable[[Sequence[Question]], Sequence[Answer]]) -> None:
        self._answers = answers
        self._waiting: list[_Waiting[Question, Answer]] = []
        self._answering, self._listing = threading.Lock(), threading.Lock()

    def ask(self, kind: Hashable, question: Question) -> Answer:
        """
        Return the answer to a question.

        Parameters
        ----------
        kind : hashable
            Questions of other kinds are not answered with it.
        question : Question

        Raises
        ------
        Exception
            What answering this question alone raises.
        """
        mine = _Waiting[Question, Answer](kind, question)
        with self._listing:
            self._waiting.append(mine)
        with self._answering:
            if not mine.done:
                self._answer_with(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answers[0]

    def _answer_with(self, mine: _Waiting[Question, Answer]) -> None:
        with self._listing:
            now = [each for each in self._waiting if each.kind == mine.kind]
            self._waiting = [each for each in self._waiting if each.kind != mine.kind]
        try:
            self._tell(now)
        except Exception:  # noqa: BLE001 - one that cannot be answered must not spoil the others
            for each in now:
                try:
                    self._tell([each])
                except Exception as error:  # noqa: BLE001 - raised where it was asked
                    each.error = error
        for each in now:
            each.done = True

    def _tell(self, some: Sequence[_Waiting[Question, Answer]]) -> None:
        answers = self._answers([each.question for each in some])
        for each, answer in zip(some, answers, strict=True):
            each.answers = [answer]
