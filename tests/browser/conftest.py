"""A Chromium for the tests of the pages, and pages that fail a test when the browser complains."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


# Not for the whole session: while Playwright is open an event loop runs in this thread, and other tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser; skips where there is none."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium on this machine; on Debian: apt install chromium")
    with sync_playwright() as playwright:
        # Without a sandbox of its own, as containers run everything as root; only our own pages are opened.
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails the test when the browser complains or anything is asked of another host."""
    opened = browser.new_page(locale="en-US")
    complaints: list[str] = []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    yield opened
    opened.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith("http://127.0.0.1:")] == []
