"""Names from a shop's data that are written to break a page: they are shown, and do nothing."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Page, expect

from serving.pages import application
from tests.serving.hostile import Served, hostile_run

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = "<script>window.broken = 1</script><img src=x onerror='window.broken = 1'>"
NAMES = {
    "script": f"{SCRIPT}</bdi></a></textarea>\"'{{{{7*7}}}}",
    "right to left": "\u202e\u202egpj.exe \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "emoji": "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\u200d\u2620\ufe0f e\u0301\u0301\u0301"
    * 6,
    "5,000 characters": "x" * 5_000,
}


@pytest.fixture(params=NAMES, scope="module")
def hostile_service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Return a name, and the address of a service in which everything is called so."""
    name = NAMES[request.param]
    run = hostile_run(Path(tmp_path_factory.mktemp("hostile")), name)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(application(Served(run)), log_level="critical"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield name, f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("path", ["/", "/segments", "/segments/odd", "/builder?edit=odd", "/customers"])
def test_a_hostile_name_is_shown_within_the_page_and_does_nothing(
    path: str, page: Page, hostile_service: tuple[str, str]
) -> None:
    name, address = hostile_service
    page.set_viewport_size({"width": 390, "height": 740})
    page.goto(f"{address}{path}")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.broken === undefined && document.images.length === 0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    if path == "/segments/odd":
        expect(page.locator("h1 bdi")).to_have_text(name)
    expect(page.get_by_role("navigation", name="Main").get_by_role("link").first).to_be_visible()
