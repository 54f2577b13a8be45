"""The words of the pages, all in `texts.toml`: to translate the pages is to translate that file."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

from markupsafe import Markup

ONE, MANY = "one", "many"


@cache
def texts() -> Mapping[str, str]:
    """Return every text by its key, such as `home.title`."""
    read = tomllib.loads(resources.files("serving.look").joinpath("texts.toml").read_text(encoding="utf-8"))
    return dict(_flat(read, ""))


def _flat(table: Mapping[str, object], prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        found += _flat(value, f"{key}.") if isinstance(value, Mapping) else [(key, str(value))]
    return found


def say(key: str, number: float | None = None, /, **values: object) -> Markup:
    """
    Return a text with values in its places.

    Parameters
    ----------
    key : str
        Of `texts.toml`.
    number : float, optional
        Chooses between the key's `one` and `many`.
    **values
        By the names in the text's braces. What is not Markup is escaped: it comes from the shop's data.

    Raises
    ------
    KeyError
        When there is no such text.
    """
    if number is not None:
        key = f"{key}.{ONE if number == 1 else MANY}"
    return Markup(texts()[key]).format(**values)  # noqa: S704 - our own words; format escapes the values
