"""Model card: what training wrote down about the release that scored the run."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from serving.answers import Answer, stamp
from serving.look.page import Asked


def answer(asked: Asked) -> Answer:
    """Return the card, as Markdown and as its blocks; nothing of a release that was trained elsewhere."""
    path = asked.run.home.cards / f"{asked.run.facts.release}.md"
    text = path.read_text(encoding="utf-8") if path.is_file() else None
    return {**stamp(asked.run), "markdown": text, "blocks": list(blocks((text or "").splitlines()))}


def blocks(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield headings, lists, tables and paragraphs of the plain Markdown that `training.card` writes."""
    for kind, some in groupby(lines, key=_kind):
        found = list(some)
        if kind == "blank":
            continue
        if kind == "heading":
            for line in found:
                marks, _, text = line.partition(" ")
                yield {"kind": kind, "level": len(marks), "text": _plain(text)}
        elif kind == "table":
            head, _, *rows = (_cells(line) for line in found)
            yield {"kind": kind, "head": head, "rows": rows}
        else:
            yield {"kind": kind, "lines": [_plain(line.removeprefix("- ")) for line in found]}


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if line.startswith("#"):
        return "heading"
    if line.startswith("|"):
        return "table"
    return "list" if line.startswith("- ") else "text"


def _cells(line: str) -> list[str]:
    return [_plain(cell.strip()) for cell in line.strip("| ").split(" | ")]


def _plain(text: str) -> str:
    return text.replace("`", "")
