"""What the tests of serving share."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ledger.home import Home
from tests.serving.prospects import score, sign_up
from tests.serving.shop import Shop, make_shop


@pytest.fixture(scope="session")
def shop(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a shop with a release and a published run, that no test changes."""
    return make_shop(tmp_path_factory.mktemp("served") / "home", shop_files)


@pytest.fixture(scope="session")
def both(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return the shop with people who never ordered beside its customers, scored once more; no test changes it."""
    directory = tmp_path_factory.mktemp("prospects")
    shutil.copytree(shop.home.path, directory / "home")
    mine = replace(shop, home=Home(directory / "home"))
    sign_up(mine, directory / "files")
    return replace(mine, summary=score(mine))


@pytest.fixture
def own_shop(shop: Shop, tmp_path: Path) -> Shop:
    """Return a copy of that shop for one test alone."""
    shutil.copytree(shop.home.path, tmp_path / "home")
    return replace(shop, home=Home(tmp_path / "home"))
