"""Documents say what is so: links lead somewhere, commands exist."""

import re
from pathlib import Path

import pytest
import typer.main

from models.release import Manifest
from regulars import cli, documents

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
OPTION = re.compile(r"(--[a-z-]+)")


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(path: Path) -> list[str]:
    """Return what is to be typed: lines of shell blocks, and inline spans."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return [*(line for block in fenced for line in block.splitlines()), *re.findall(r"`([^`\n]+)`", text)]


@pytest.mark.parametrize("name", documents.PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == documents.PAGES[name](), "out of date; run `make docs`"


def test_every_field_of_a_release_is_explained() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    section = page.partition("## What a release says of itself")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`[,| ]", section)) == set(Manifest.model_fields)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    dead = []
    for found in LINK.finditer(document.read_text(encoding="utf-8")):
        target, _, anchor = found["target"].partition("#")
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and anchor not in _anchors(path)):
            dead.append(found["target"])
    assert dead == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_and_option_in_a_document_exists(document: Path) -> None:
    unknown = []
    for line in _code(document):
        if not line.strip().startswith("regulars "):
            continue
        command, words = typer.main.get_command(cli.app), line.split()[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        is_group = hasattr(command, "commands")
        if (is_group and words) or not set(OPTION.findall(" ".join(words))) <= known:
            unknown.append(line.strip())
    assert unknown == []
