"""What the ledger's tests share: an empty ledger, a fixed import instant, and small files."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.home import Home
from ledger.shop import Shop
from ledger.store import Ledger

WriteFile = Callable[[str, str], Path]


@pytest.fixture
def imported_at() -> datetime:
    return datetime(2024, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop() -> Shop:
    return Shop(currency="USD", time_zone="America/New_York")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(Home(tmp_path / "home"))


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write lines under a name and give the path."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write
