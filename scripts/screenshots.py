"""MLflow's pages as a user sees them, in a headless Chromium: pictures of them for the docs, and the tests' steps.

`python scripts/screenshots.py` draws docs/ui-runs.png, docs/ui-charts.png, docs/ui-sweep.png and docs/ui-compare.png.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
CHROMIUM = shutil.which("chromium")
PATIENCE = 60_000  # ms until what a page must show is there
# For root, and without any word to others than the server under test.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
# As for one who has been here before: MLflow opens its assistant beside the first page, and its own links lead to the
# pages for language models until "Model training" has been chosen once.
BEEN_HERE = """
localStorage.setItem('mlflow.assistant.fab.autoOpenedOnFirstLoad_v1', 'true');
localStorage.setItem('mlflow.workflowType_v1', '"machine_learning"');
"""
SMALL = ["data.source.count=200", "train.epochs=3", "model.width=4", "data.test_ratio=0.1"]
SWEEPS = [["model.layers=1,2", "data.resize=16,24"], ["model.layers=2", "train.lr=0.01,0.003", "data.resize=16"]]


def make_sweeps(folder: Path, catdog: Path) -> None:
    """Make a store with two small sweeps in `folder`."""
    for words in SWEEPS:
        subprocess.run([catdog, "-m", *SMALL, *words], cwd=folder, check=True, capture_output=True)


@contextmanager
def served(folder: Path, catdog: Path, port: int) -> Iterator[str]:
    """The address that `catdog ui` prints for the store in `folder`, while it serves."""
    words = [catdog, "ui", "--port", str(port)]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(word for word in process.stdout.readline().split() if word.startswith("http"))
        finally:
            process.terminate()


@contextmanager
def chromium_page(chromium: str | None = CHROMIUM) -> Iterator[Any]:
    """A page of a Chromium of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        context = browser.new_context(viewport={"width": 1600, "height": 1000})
        context.add_init_script(BEEN_HERE)
        context.set_default_timeout(PATIENCE)
        yield context.new_page()
        browser.close()


def open_runs(page: Any, address: str) -> None:
    """Go to the table of runs that a link opens."""
    page.goto(address)
    page.locator("[role=columnheader][col-id*='objective']").wait_for()
    page.locator("[role=gridcell][col-id*='objective']").first.wait_for()


def open_charts(page: Any, address: str) -> None:
    """Go to the charts of the same runs."""
    page.goto(f"{address}&compareRunsMode=CHART")
    page.get_by_text("Parallel Coordinates").wait_for()
    page.locator(".js-plotly-plot .bars").first.wait_for()


def open_sweep(page: Any, address: str, name: str) -> None:
    """Go from the table of runs to the page of the sweep called `name`, its whole description unfolded."""
    open_runs(page, address)
    page.get_by_role("link", name=name).click()
    page.get_by_text("Show more").click()


def open_comparison(page: Any, address: str, names: list[str]) -> None:
    """Go from the table of runs to the page that compares those called `names`, where only what differs is shown."""
    open_runs(page, address)
    for name in names:
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True)).first
        place = row.get_attribute("row-index")
        page.locator(f"[role=row][row-index='{place}'] input[aria-label^='Press Space']").check()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.get_by_role("heading", name="Comparing").wait_for()
    for switch in page.get_by_role("switch").all():  # of parameters, metrics and tags
        if switch.get_attribute("aria-checked") != "true":
            switch.click()


def open_model(page: Any, address: str, run: str) -> None:
    """Go from the table of runs by the page of the one called `run` to that of its model."""
    open_runs(page, address)
    page.get_by_role("link", name=run, exact=True).click()
    link = page.locator("a[href*='/models/m-']").first.get_attribute("href")
    page.goto(f"{address.partition('#')[0]}{link}")
    page.get_by_text("Source run").first.wait_for()


def main() -> None:
    catdog = Path(sys.executable).with_name("catdog")
    with tempfile.TemporaryDirectory() as folder:
        make_sweeps(Path(folder), catdog)
        with served(Path(folder), catdog, 5055) as address, chromium_page() as page:
            open_runs(page, address)
            page.screenshot(path=DOCS / "ui-runs.png")
            open_charts(page, address)
            page.wait_for_timeout(3_000)  # until the charts have grown to their size
            page.screenshot(path=DOCS / "ui-charts.png")
            open_sweep(page, address, "model.layers × data.resize")
            page.screenshot(path=DOCS / "ui-sweep.png")
            open_comparison(page, address, ["layers=1 resize=16", "layers=2 resize=16", "layers=2 resize=24"])
            page.get_by_role("heading", name="Comparing").scroll_into_view_if_needed()
            page.wait_for_timeout(2_000)
            page.screenshot(path=DOCS / "ui-compare.png")


if __name__ == "__main__":
    main()
