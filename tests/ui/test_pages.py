"""MLflow's pages in a browser, on a store with two sweeps: what they show, and where they open."""

import re
import socket

import pytest
from playwright.sync_api import expect

from scripts.screenshots import (
    CHROMIUM,
    chromium_page,
    open_charts,
    open_comparison,
    open_model,
    open_runs,
    open_sweep,
    served,
)
from tests.cli.store import runs
from tests.ui.conftest import CATDOG

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(900),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on this machine"),
]
expect.set_options(timeout=60_000)  # ms
FIRST = "model.layers × data.resize, 4 jobs"


@pytest.fixture(scope="module")
def address(store):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with served(store, CATDOG, port) as found:
        yield found


@pytest.fixture(scope="module")
def page(address):
    with chromium_page() as found:
        yield found


def jobs_of(store, name):
    """The jobs of the sweep called so, the best first."""
    everything = runs(store)
    (sweep,) = (run for run in everything if run.info.run_name == name)
    jobs = [run for run in everything if run.data.tags.get("mlflow.parentRunId") == sweep.info.run_id]
    return sorted(jobs, key=lambda run: -run.data.metrics["objective"])


def test_the_link_of_catdog_ui_opens_all_runs_by_their_objective_with_what_varies(page, address, store):
    open_runs(page, address)
    heads = {cell.inner_text().strip() for cell in page.get_by_role("columnheader").all()}
    assert {"Duration", "objective", "best/accuracy", "data.resize", "model.layers", "train.lr"} <= heads
    assert not {"train.epochs", "data.root", "hardware.threads"} & heads
    cells = page.locator("[role=gridcell][col-id*='objective']").all_inner_texts()
    values = [float(text.rstrip("…")) for text in cells]
    assert len(values) == len(runs(store)) == 7  # two sweeps of four and two jobs, of which they share one
    assert values == sorted(values, reverse=True)
    expect(page.get_by_text("5 runs on 1 data set, 2 sweeps; the best is")).to_have_count(1)


def test_a_sweep_tells_its_best_job_links_each_and_has_a_view_of_its_own(page, address, store):
    jobs = jobs_of(store, FIRST)
    open_sweep(page, address, FIRST)
    best = page.get_by_text("Best:")
    assert jobs[0].info.run_name in best.inner_text()
    rows = page.get_by_role("row").filter(has_text="new").all_inner_texts()
    assert len(rows) == 4
    with page.expect_popup() as opened:
        page.get_by_role("link", name=jobs[-1].info.run_id[:8]).click()
    opened.value.get_by_role("heading", name=jobs[-1].info.run_name).wait_for()
    expect(opened.value.get_by_text("The best so far")).to_have_count(1)
    opened.value.close()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Its jobs compared").click()
    opened.value.locator("[role=gridcell][col-id*='objective']").first.wait_for()
    expect(opened.value.get_by_role("link", name="resize=", exact=False)).to_have_count(4)
    opened.value.close()

    open_sweep(page, address, "train.lr, 2 jobs")
    expect(page.get_by_role("row").filter(has_text="reused")).to_have_count(1)


def test_three_runs_compared_open_on_the_objective_and_show_what_differs(page, address, store):
    names = ["layers=1 resize=16", "layers=2 resize=16", "layers=2 resize=24"]
    open_comparison(page, address, names)
    chosen = page.get_by_role("combobox").all_inner_texts() + page.locator("[title]").all_inner_texts()
    assert "objective" in chosen
    text = page.locator("body").inner_text()
    parameters = text[text.index("\nParameters\n") : text.index("\nMetrics\n")]
    assert "model.layers" in parameters
    assert "data.resize" in parameters
    assert "train.epochs" not in parameters


def test_charts_open_on_the_objective_with_bars_and_the_image_grid_shows_each_run(page, address, store):
    open_charts(page, address)
    shown = page.locator("body").inner_text()
    first = [shown.index(f"\n{title}\n") for title in ("result", "objective", "Parallel Coordinates", "val/loss")]
    assert first == sorted(first)
    assert shown.index("\nbest\n") > first[-1]
    expect(page.locator(".js-plotly-plot .bars .point")).to_have_count(len(runs(store)))
    page.get_by_placeholder("Search metric charts").fill("worst_mistakes")
    sheets = page.locator("img[src*='worst_mistakes%2Bstep']")
    sheets.nth(4).wait_for()
    expect(sheets).to_have_count(5)  # a run's each
    page.wait_for_function("() => [...document.images].filter(image => image.naturalWidth > 200).length >= 5")


def test_the_page_of_a_model_tells_its_figures_by_the_pictures_that_they_are_of(page, address, store):
    best = jobs_of(store, FIRST)[0]
    open_model(page, address, best.info.run_name)
    sides = {"objective": "validation", "best/accuracy": "validation", "test/accuracy": "testing"}
    rows = page.get_by_role("row").filter(has_text=re.compile(r"\(#\w+\)"))  # with the digest of pictures
    for name, side in sides.items():
        figure = rows.filter(has_text=name).filter(has_text=f"/{side} (#")
        figure.first.wait_for()
    cells = rows.filter(has_text="objective").first.inner_text().split("\n")
    assert float(cells[-1]) == best.data.metrics["objective"]
