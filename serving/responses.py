"""What the API's description says of answers: the one that was asked for, problems, and the headers of both."""

from typing import Any, Final

from pydantic import BaseModel

from serving.errors import KINDS, MEDIA_TYPE
from serving.schemas.service import ProblemDocument

REF: Final = "#/components/schemas/{model}"
ANY_PROBLEMS: Final = (
    "bad-request",
    "too-large",
    "no-key",
    "wrong-scope",
    "wrong-method",
    "bad-host",
    "too-many",
    "rate-limited",
    "failed",
    "not-ready",
    "unusable-file",
    "too-slow",
)
"""What any address may answer."""
HEADERS: Final[dict[str, tuple[str, str]]] = {
    "X-Request-Id": (
        "string",
        "By which the log tells of the request: the one that came with it, or a new one.",
    ),
    "Retry-After": ("integer", "Seconds after which to ask again."),
    "RateLimit-Limit": ("integer", "Requests a minute that the key is allowed in each worker."),
    "RateLimit-Remaining": ("integer", "Requests that the key has left now in the worker that answered."),
    "RateLimit-Reset": ("integer", "Seconds until it has all of them again."),
}
OF_LIMITS: Final = tuple(name for name in HEADERS if name.startswith("RateLimit-"))
UNCOUNTED: Final = {"401", "403", "421"}
"""Answered before a request is taken off its key's allowance."""
WORTH_ANOTHER_TRY: Final = {"429", "503"}


def ref(model: type[BaseModel]) -> dict[str, str]:
    """Return a reference to a model's schema."""
    return {"$ref": REF.format(model=model.__name__)}


def header_components() -> dict[str, Any]:
    """Return what `responses` refers to."""
    return {name: {"description": means, "schema": {"type": kind}} for name, (kind, means) in HEADERS.items()}


def responses(answer: type[BaseModel], problems: tuple[str, ...], *, keyed: bool) -> dict[str, Any]:
    """
    Return the answers of an operation, by status.

    Parameters
    ----------
    answer : BaseModel class
        What is asked for.
    problems : tuple of str
        Kinds of problem beside `ANY_PROBLEMS`.
    keyed : bool
        Whether a key may be asked for.
    """
    content: dict[str, Any] = {"application/json": {"schema": ref(answer)}}
    told: dict[str, Any] = {"200": {"description": "The answer", "content": content}}
    titles: dict[str, list[str]] = {}
    for kind in dict.fromkeys((*problems, *ANY_PROBLEMS)):
        status, title = KINDS[kind]
        titles.setdefault(str(int(status)), []).append(title)
    for code, said in titles.items():
        document = {MEDIA_TYPE: {"schema": ref(ProblemDocument)}}
        told[code] = {"description": "; or: ".join(said), "content": document}
    for code, one in told.items():
        names = ["X-Request-Id"]
        names += ["Retry-After"] if code in WORTH_ANOTHER_TRY else []
        names += OF_LIMITS if keyed and code not in UNCOUNTED else ()
        one["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return told
