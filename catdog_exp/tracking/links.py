"""Links of MLflow's pages to each other, as descriptions have them: right on any server that shows the store."""

from __future__ import annotations

import re
from urllib.parse import quote

from catdog_exp.tracking.limits import TAG_LENGTH

TRAINING = "workflowType=machine_learning"  # MLflow's pages are for language models unless told otherwise
ALL = "catdog"  # the name of the view of all runs; a sweep's has the sweep's own id
RUN, VIEW = "run:", "view:"  # in a description: [text](run:ID), which becomes a link to the page of that run
LONGEST = 85  # letters that a link is longer than `run:ID` or `view:NAME`, at most
_LINK = re.compile(rf"\]\(({RUN}|{VIEW})(\w+)\)")


def run_path(experiment_id: str, run_id: str) -> str:
    """Where the page of a run is, from a server's address on."""
    return f"/#/experiments/{experiment_id}/runs/{run_id}?{TRAINING}"


def view_path(experiment_id: str, name: str) -> str:
    """Where a shared view of an experiment is, from a server's address on."""
    return f"/#/experiments/{experiment_id}/runs?{TRAINING}&viewStateShareKey={quote(name)}"


def compared(link: str) -> str:
    """What to say behind a run's link: where all runs of its experiment are compared; "" where no server shows them."""
    found = re.match(r"(https?://.*)/#/experiments/(\w+)/runs/", link)
    return f"; all runs: {found[1]}{view_path(found[2], ALL)}" if found else ""


def linked_runs(text: str) -> list[str]:
    """The ids of the runs that a description names."""
    return [found for kind, found in _LINK.findall(text) if kind == RUN]


def with_links(text: str, experiment_id: str) -> str:
    """A description with links in place of `run:ID` and `view:NAME`, in whole lines, as many as MLflow has room for."""

    def link(found: re.Match[str]) -> str:
        path = (run_path if found[1] == RUN else view_path)(experiment_id, found[2])
        return f"]({path.lstrip('/')})"  # of the page that shows it: the server may stand below a path of its own

    lines = _LINK.sub(link, text).splitlines()
    while sum(len(line) + 1 for line in lines) > TAG_LENGTH:
        lines.pop()
    return "\n".join(lines)
