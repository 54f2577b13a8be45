from pathlib import Path

import pytest

from tests.serving.export.shop import Loyal, open_shop


@pytest.fixture
def shop(tmp_path: Path) -> Loyal:
    return open_shop(tmp_path)
