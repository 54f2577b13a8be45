"""Small files are replaced whole."""

import json
from pathlib import Path

import pytest

from ledger import small_files
from ledger.errors import InputError


def test_what_is_put_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "facts.json"
    small_files.put(path, '{"name": "Zoë"}')
    small_files.put(path, '{"name": "Łukasz"}')
    assert small_files.read(path, json.loads, remedy="") == {"name": "Łukasz"}
    assert [each.name for each in path.parent.iterdir()] == ["facts.json"]


def test_a_text_that_cannot_be_written_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    small_files.put(path, "1")
    with pytest.raises(UnicodeEncodeError):
        small_files.put(path, "2\ud800")
    assert path.read_text() == "1"
    assert [each.name for each in tmp_path.iterdir()] == ["facts.json"]


def test_nothing_is_read_where_there_is_no_file(tmp_path: Path) -> None:
    assert small_files.read(tmp_path / "facts.json", json.loads, remedy="") is None


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(b"{")
    with pytest.raises(InputError, match=r"facts\.json cannot be read; run it again$"):
        small_files.read(path, json.loads, remedy="run it again")
