"""What no committed file may hold: the address of a package registry, or a path of somebody's machine."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Written apart, so that this file passes its own test.
FORBIDDEN = {
    "a package registry": re.compile(
        "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", r"/simp" + r"le/\w"))
    ),
    "an index or download option": re.compile(r"^\s*--?(?:extra-)?(?:index-url|find-links|trusted-host)\b"),
    "a path of one machine": re.compile(
        "|".join((r"/ro" + r"ot/", r"/wo" + r"rk/", r"/ho" + r"me/\w+/", r"/Us" + r"ers/\w+/"))
    ),
}


def _committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)  # noqa: S607
    if listed.returncode:
        pytest.skip("not a git checkout: there is no list of committed files")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_committed_file_holds(what: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _committed()
        if path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), start=1)
        if FORBIDDEN[what].search(line)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("what", "line"),
    [
        ("a package registry", "https://" + "py" + "pi.org/project/regulars"),
        ("an index or download option", "--index" + "-url somewhere"),
        ("a path of one machine", "/ro" + "ot/.cache"),
    ],
)
def test_the_search_finds_what_it_looks_for(what: str, line: str) -> None:
    assert FORBIDDEN[what].search(line)
