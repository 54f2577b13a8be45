"""Drift: every feature and score beside what it was in training; its twin is GET /v1/monitoring in full."""

from serving.answers import Answer
from serving.look.model import means
from serving.look.page import Asked
from serving.monitoring.answers import monitoring


def answer(asked: Asked) -> Answer:
    """Return what `regulars monitor` found last, and what each compared name means."""
    told = monitoring(asked.run)
    report = told["found"] or {"features": [], "scores": []}
    return told | {
        "means": {each["name"]: means(each["name"]) for each in (*report["features"], *report["scores"])}
    }
