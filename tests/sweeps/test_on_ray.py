"""Jobs as tasks of a Ray cluster of this machine's."""

import threading
from pathlib import Path

import pytest

from catdog_exp.app.compose import compose
from catdog_exp.experiment.config import RunConfig
from catdog_exp.reading import read
from catdog_exp.sweeps import on_ray
from catdog_exp.sweeps.composed import plain
from catdog_exp.sweeps.planning import plan
from tests.cli.conftest import SMALL
from tests.clusters import needs_ray, ray_nodes, wait_for


@pytest.mark.slow
@needs_ray
def test_a_job_keeps_its_core_while_it_asks_its_sweep_for_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class SlowHome:
        """Ends each job; answers the first only once another asks meanwhile, or 15 seconds later."""

        def __init__(self, *_):
            self._asked, self._another = threading.Lock(), threading.Event()

        def asked(self):
            if self._asked.acquire(blocking=False):
                return False, "two at once" if self._another.wait(15) else "one at a time"
            self._another.set()
            return False, "the second"

    monkeypatch.setattr(on_ray, "Home", SlowHome)
    words = [*SMALL, "hardware.threads=1", f"paths.outputs={tmp_path}/outputs"]
    jobs = plan([([*words, f"train.seed={seed}"], plain(compose([*words, f"train.seed={seed}"]))) for seed in (0, 1)])
    hardware = read(RunConfig, jobs[0].settings).hardware
    with ray_nodes(monkeypatch, 1):
        import ray

        place = on_ray.places_on_ray({"address": None}, {"max_retries": 0}, [hardware], ahead=True)
        begun = [place.start(tmp_path / "outputs" / "sweep", None, job, hardware, 0) for job in jobs]
        try:
            wait_for(lambda: all(each.poll() for each in begun), "both jobs", 120)
            reasons = {each.poll().reason for each in begun}
        finally:
            ray.shutdown()
    assert reasons == {"not begun: one at a time", "not begun: the second"}
