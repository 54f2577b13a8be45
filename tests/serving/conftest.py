"""What the tests of serving share."""

from pathlib import Path

import pytest

from tests.serving.shop import Shop, make_shop


@pytest.fixture(scope="session")
def shop(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a shop with a release and a published run, that no test changes."""
    return make_shop(tmp_path_factory.mktemp("served") / "home", shop_files)


@pytest.fixture
def own_shop(shop_files: dict[str, Path], tmp_path: Path) -> Shop:
    """Return such a shop for one test alone."""
    return make_shop(tmp_path / "home", shop_files)
