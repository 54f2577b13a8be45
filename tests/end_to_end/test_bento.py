"""The bento: what `bentoml build` packs is all that serving needs, away from the repository."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ledger.home import Home

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
CACHES = {"__pycache__", ".ruff_cache", ".mypy_cache"}
PACKED = ("ledger", "features", "models", "segments", "serving")

# Runs in the bento's folder, where its own packages come before an installed `regulars`, and finds of what is installed
# only what the bento asks for.
ASK = """
import asyncio, json, sys

class OnlyWhatIsAskedFor:
    absent = set(sys.argv.pop(1).split(","))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, OnlyWhatIsAskedFor())

import httpx
from serving.service import Regulars

async def ask():
    app = Regulars.to_asgi(is_main=True)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return {
                path: (await client.request("POST" if body else "GET", path, json=body)).status_code
                for path, body in json.loads(sys.argv[1]).items()
            }

answers = asyncio.run(ask())
ours = ("ledger", "features", "models", "segments", "serving", "training", "regulars")
files = {
    name: module.__file__ for name, module in list(sys.modules.items())
    if name.partition(".")[0] in ours and module.__file__
}
print(json.dumps({"answers": answers, "files": files}))
"""


@pytest.fixture(scope="module")
def bento(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the bento from the repository's bentofile.yaml and return its folder."""
    store = tmp_path_factory.mktemp("bentos")
    environment = os.environ | {"BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True"}
    command = [sys.executable, "-m", "bentoml", "build", "."]
    subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, capture_output=True, timeout=120)
    (manifest,) = store.glob("bentos/regulars/*/bento.yaml")
    return manifest.parent


def test_the_bento_holds_every_file_of_the_packages_that_serve_and_no_other(bento: Path) -> None:
    packed = {path.relative_to(bento / "src") for path in (bento / "src").rglob("*") if path.is_file()}
    source = {
        path.relative_to(REPOSITORY)
        for package in PACKED
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and path.name != "py.typed" and not CACHES.intersection(path.parts)
    }
    assert packed == source | {Path("README.md"), Path("bentofile.yaml"), Path("pyproject.toml")}


def test_an_image_of_the_bento_has_what_the_workers_need(bento: Path) -> None:
    image = (bento / "env" / "docker" / "Dockerfile").read_text()
    assert "libgomp1" in image
    for setting in ("BENTOML_DO_NOT_TRACK=True", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION=false"):
        assert f"ARG {setting}" in image


def _absent(bento: Path) -> str:
    """Return the modules that are installed here and that the bento's requirements do not bring."""
    requirements = (bento / "env" / "python" / "requirements.txt").read_text()
    pinned = set(re.findall(r"^([a-z0-9.-]+)==", requirements, re.MULTILINE)) | {"regulars"}
    return ",".join(
        module
        for module, distributions in packages_distributions().items()
        if pinned.isdisjoint(re.sub(r"[-_.]+", "-", name).lower() for name in distributions)
    )


def test_the_bento_serves_a_home_with_its_own_code_and_its_own_requirements_alone(
    bento: Path, shop_home: Home
) -> None:
    paths = ("/readyz", "/", "/v1/segments", "/v1/customers/c000", "/static/regulars.css", "/openapi.json")
    order = {"order_id": "1", "ordered_at": "2021-01-01", "net_amount": 10}
    bodies = dict.fromkeys(paths) | {
        "/v1/score": {"customers": {"customer_id": "c", "orders": [order]}},
        "/v1/customers/lookup": {"customer_ids": ["c000"], "include": ["reasons"]},
        "/v1/segments/preview": {"expression": "orders >= 3"},
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK, _absent(bento), json.dumps(bodies)],
        env=os.environ | {"REGULARS_HOME": str(shop_home.path)},
        cwd=bento / "src",
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(asked.stdout.splitlines()[-1])
    assert found["answers"] == dict.fromkeys(bodies, 200)
    assert [file for file in found["files"].values() if not Path(file).is_relative_to(bento / "src")] == []
    assert {name.partition(".")[0] for name in found["files"]} == set(PACKED)


# As BentoML's command line does it, which asks whether to report before it imports the service.
REPORTS = """
from bentoml._internal.utils.analytics import usage_stats
before = usage_stats.do_not_track()
import serving.service
print(before, usage_stats.do_not_track())
"""


@pytest.mark.parametrize(("told", "reports"), [(None, "False True"), ("False", "False False")])
def test_serving_a_bento_reports_to_nobody_unless_told_to(
    bento: Path, told: str | None, reports: str
) -> None:
    inherited = {name: value for name, value in os.environ.items() if name != "BENTOML_DO_NOT_TRACK"}
    asked = subprocess.run(
        [sys.executable, "-c", REPORTS],
        env=inherited | ({} if told is None else {"BENTOML_DO_NOT_TRACK": told}),
        cwd=bento / "src",
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert asked.stdout.splitlines()[-1] == reports
