"""Segments: all of them, by what they rest on."""

from typing import Final

from serving.answers import Answer
from serving.look.page import Asked
from serving.segments import answers

GROUPS: Final = ("predicted", "history", "lifecycle")


def answer(asked: Asked) -> Answer:
    """Return every segment of the run, in its group."""
    listed = answers.segments(asked.run, asked.now)
    groups = [
        {"name": name, "segments": [each for each in listed["segments"] if each["group"] == name]}
        for name in GROUPS
    ]
    most = max((each["value"] for each in listed["segments"]), default=0.0)
    return {
        **{name: value for name, value in listed.items() if name != "segments"},
        "groups": [each for each in groups if each["segments"]],
        "largest_value": max(most, 0.0),
    }
