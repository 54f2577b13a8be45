"""What the marketers' pages take in Chromium: first contentful paint, kilobytes over the wire, answers to clicks.

`python benchmarks/pages.py --home DIR` opens each page of a trained and scored home in a fresh browser (nothing kept)
three times, and tells the slowest first paint; then sorts and pages members and tries a condition in the builder.
Without `--home` it serves the demo's smaller data set, made in a directory of its own.
"""

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

PAGES = (
    "/",
    "/segments",
    "/segments/{segment}",
    "/builder",
    "/customers",
    "/customers/{customer}",
    "/replenishment",
    "/grids",
    "/grids?of=rfm",
    "/cohorts",
    "/model",
)
TIMES = 3
READY_WITHIN_S = 300
PAINT_LIMIT_MS, TRANSFER_LIMIT_KB, ACTION_LIMIT_MS = 1_000, 500, 1_000
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN"


@contextmanager
def served(home: Path) -> Iterator[str]:
    """Run `regulars serve` on a home and return its address."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    start = "from regulars.cli import main; main()"
    command = [sys.executable, "-c", start, "serve", "--home", str(home), "--port", str(port)]
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:  # noqa: S603 - our own command
        try:
            deadline = time.monotonic() + READY_WITHIN_S
            while time.monotonic() < deadline:
                try:
                    if httpx.get(f"{address}/readyz", timeout=5).is_success:
                        break
                except httpx.TransportError:
                    time.sleep(0.5)
            yield address
        finally:
            service.terminate()
            service.wait(timeout=60)


def first_paint(browser: Browser, url: str) -> tuple[int, float, float]:
    """Open a page in a fresh browser; return status, milliseconds to the first paint, kilobytes with all it fetched."""
    with browser.new_context() as context:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        sizes: list[float] = []
        wire.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
        answer = page.goto(url)
        page.wait_for_load_state("networkidle")
        return (answer.status if answer else 0), float(page.evaluate(PAINT)), sum(sizes) / 1000


def members(page: Page, address: str, segment: str) -> Iterator[tuple[str, float]]:
    """Sort a segment's members and turn the page, timed from the click until they are there."""
    page.goto(f"{address}/segments/{segment}")
    page.wait_for_load_state("networkidle")
    table = "#members table"
    yield (
        "members sorted by value",
        clicked(page, "#members thead a[href*='clv_365d']", "[aria-sort=descending]"),
    )
    yield "members, next page", clicked(page, "#members a[rel=next]", f"{table} tbody tr")
    yield (
        "members sorted by id",
        clicked(page, "#members thead a[href*='customer_id']", "[aria-sort=ascending]"),
    )


def clicked(page: Page, link: str, awaited: str) -> float:
    """Click a link and return the milliseconds until its answer is in the page."""
    page.evaluate("document.querySelector('#members').dataset.old = 'yes'")
    start = time.perf_counter()
    page.click(link)
    page.wait_for_selector(f"#members:not([data-old]) {awaited}, #members:not([data-old])")
    return 1e3 * (time.perf_counter() - start)


def counted(page: Page, address: str) -> Iterator[tuple[str, float]]:
    """Type conditions into the builder, timed from the last key until the count is there, with the pause before it."""
    page.goto(f"{address}/builder")
    page.wait_for_load_state("networkidle")
    for text in (
        "orders >= 3 and days_since_last_order > 60",
        "in_top(clv_365d, 20) and churn_probability_90d >= 0.5 and spend_365d > 100",
        "in_segment('likely_to_churn') or recency_score = 5",
    ):
        page.evaluate("document.querySelector('#tried').replaceChildren()")
        start = time.perf_counter()
        page.fill("#text", text)
        page.wait_for_selector("#count")
        yield f"builder: {text}", 1e3 * (time.perf_counter() - start)


def report(browser: Browser, address: str) -> bool:
    """Print every figure; return whether each is within its limit."""
    segments = httpx.get(f"{address}/v1/segments", timeout=60).json()
    largest = max(segments["segments"], key=lambda each: each["size"])
    first = httpx.get(f"{address}/v1/segments/{largest['name']}/members?limit=1", timeout=60).json()
    named = {"segment": largest["name"], "customer": first["members"][0]["customer_id"]}
    print(
        f"{segments['customers']:,} customers; largest segment {largest['name']}, {largest['size']:,} members"
    )
    print(f"{'page':42} {'first paint':>12} {'transferred':>12}")
    good = True
    for path in PAGES:
        tries = [first_paint(browser, f"{address}{path.format(**named)}") for _ in range(TIMES)]
        if tries[0][0] == httpx.codes.NOT_FOUND:
            continue
        paint, size = max(each[1] for each in tries), max(each[2] for each in tries)
        good &= paint < PAINT_LIMIT_MS and size < TRANSFER_LIMIT_KB
        print(f"{path:42} {paint:9.0f} ms {size:9.1f} kB")
    with browser.new_context() as context:
        page = context.new_page()
        for action in (members(page, address, largest["name"]), counted(page, address)):
            for what, milliseconds in action:
                good &= milliseconds < ACTION_LIMIT_MS
                print(f"{what:84} {milliseconds:6.0f} ms")
    return good


def main() -> None:
    """Serve a home, measure, and fail when anything is over its limit."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--home", type=Path)
    home = reader.parse_args().home
    chromium = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if chromium is None:
        print("no Chromium on this machine; on Debian: apt install chromium")
        return
    with tempfile.TemporaryDirectory() as scratch:
        if home is None:
            home = Path(scratch) / "home"
            demo = ["from regulars.cli import main; main()", "demo", "--dataset", "cdnow", "--no-serve"]
            environment = {**os.environ, "REGULARS_HOME": str(home)}
            subprocess.run([sys.executable, "-c", *demo], check=True, env=environment)  # noqa: S603 - our own command
        with served(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            good = report(browser, address)
            browser.close()
    sys.exit(0 if good else "over a limit")


if __name__ == "__main__":
    main()
