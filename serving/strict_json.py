"""Bodies are read strictly: what two parsers would take for two things is refused before anything behind reads it."""

import json
import math
import re

from pydantic_core import from_json

from serving.errors import Problem, ProblemError

READ = "regulars.body"
"""Where in a request's scope its value is, once the guard has read it."""
DEPTH_LIMIT = 201  # pydantic's parser goes no deeper
PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]{0,39}", re.ASCII)
Pairs = list[tuple[str, object]]
Steps = tuple[str | int, ...]


class RepeatedKeyError(Exception):
    """An object holds a key twice."""


class Members(list[tuple[str, object]]):
    """What an object holds as it stands, repeated keys too."""


def read_json(body: bytes) -> object:
    """
    Return the value of a body that is JSON and can be understood in one way alone.

    Of a key that stands twice in an object one parser takes the first and another the last, without a word.

    Raises
    ------
    ProblemError
        When it is no JSON (RFC 8259 in UTF-8 without a byte order mark; no NaN, no half of a surrogate pair), holds a
        number beyond what a double can be, is nested deeper than `DEPTH_LIMIT`, or an object of it has a key twice:
        the problem names its place.
    """
    try:
        value: object = from_json(body, allow_inf_nan=False)
        json.loads(body, object_pairs_hook=_each_once, parse_float=_finite)
    except RepeatedKeyError as error:
        steps = _first_repeated(json.loads(body, object_pairs_hook=Members)) or ()
        detail = "a key stands twice in one object, and which of the two is meant cannot be told"
        raise ProblemError(Problem("bad-request", detail, _place(steps), "each key once")) from error
    except ValueError as error:
        if "recursion limit" in str(error):
            expected = f"objects and lists at most {DEPTH_LIMIT} deep"
            raise ProblemError(Problem("bad-request", "nested too deeply", "body", expected)) from error
        raise ProblemError(Problem("bad-request", f"not JSON: {error}", "body", "a JSON object")) from error
    return value


def _each_once(members: Pairs) -> None:
    if len(dict(members)) != len(members):
        raise RepeatedKeyError


def _finite(text: str) -> None:
    if math.isinf(float(text)):
        raise ValueError("a number is too large")


def _first_repeated(value: object) -> Steps | None:
    """Return the keys and places in lists that lead to the first repeated key."""
    if isinstance(value, Members):
        seen = set()
        for key, inner in value:
            if key in seen:
                return (key,)
            seen.add(key)
            if isinstance(inner, list) and (steps := _first_repeated(inner)) is not None:
                return (key, *steps)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            if isinstance(inner, list) and (steps := _first_repeated(inner)) is not None:
                return (place, *steps)
    return None


def _place(steps: Steps) -> str:
    """Return a path such as `customers[2].orders[0].net_amount`; a key that is no plain word is `*`."""
    words = (
        f"[{step}]" if isinstance(step, int) else f".{step}" if PLAIN_KEY.fullmatch(step) else ".*"
        for step in steps
    )
    return "".join(words).removeprefix(".")
