from catdog_exp.tracking.links import compared, with_links

RUN = "0123456789abcdef" * 2


def test_links_in_a_description_lead_to_the_pages_of_the_server_that_shows_it():
    text = with_links(f"[a](run:{RUN}) and [b](view:catdog), not (run:{RUN})", "7")
    assert text == (
        f"[a](#/experiments/7/runs/{RUN}?workflowType=machine_learning) and "
        f"[b](#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=catdog), not (run:{RUN})"
    )


def test_a_long_description_ends_with_a_whole_line():
    text = with_links("\n".join(["x" * 99] * 200), "7")
    assert 7_900 <= len(text) <= 8_000
    assert set(text.splitlines()) == {"x" * 99}


def test_where_a_server_shows_the_run_the_view_of_all_is_named_too():
    page = f"http://host:5000/a/path/#/experiments/7/runs/{RUN}?workflowType=machine_learning"
    view = "http://host:5000/a/path/#/experiments/7/runs?workflowType=machine_learning&viewStateShareKey=catdog"
    assert compared(page) == f"; all runs: {view}"
    assert compared(f"{view}") == ""  # a sweep's own says it
    assert compared("run 01234567 of the experiment catdog: `catdog ui` shows it") == ""
