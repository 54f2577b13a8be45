"""A segment: its name, its title, its condition and what to do about it; and the library that ships."""

import tomllib
from importlib import resources

from pydantic import BaseModel, ConfigDict, Field


class Segment(BaseModel):
    """One definition; a record of the library or of a shop's own file.

    Parameters
    ----------
    name : str
        Slug in snake_case; never changed once used, since memberships are stored under it.
    title : str
        As people read it in lists.
    description : str
        One sentence saying who is in it.
    expression : str
        The condition, in the language of `segments.operators`.
    advice : str
        What to do about these customers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")
    title: str = Field(min_length=1, max_length=80)
    description: str = Field(min_length=1)
    expression: str = Field(min_length=1)
    advice: str = Field(min_length=1)


def load_library() -> tuple[Segment, ...]:
    """Return the segments that ship: the lifecycle grid, RFM groups and value tiers, then the others."""
    files = ("lifecycle", "rfm", "tiers", "predictive", "refills", "orders", "events", "movement")
    return tuple(segment for stem in files for segment in load_file(stem))


def load_file(stem: str) -> tuple[Segment, ...]:
    """Return the segments of one file of the library.

    Parameters
    ----------
    stem : str
        File name without `.toml`.
    """
    text = resources.files("segments").joinpath("library", f"{stem}.toml").read_text(encoding="utf-8")
    return tuple(Segment(name=name, **fields) for name, fields in tomllib.loads(text).items())
