"""An answer with jobs that train nothing: what their networks are right on is written where it is looked for."""

import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import open_dict

from catdog_exp.app.conf_folders import conf_folders
from catdog_exp.app.resolvers import register
from catdog_exp.errors import UserError
from catdog_exp.experiment.config import RunConfig
from catdog_exp.inference.comparison import EVALUATION
from catdog_exp.reading import read
from catdog_exp.sweeps.answer import Answers, question
from catdog_exp.sweeps.composed import composed
from catdog_exp.sweeps.jobs import Job, Outcome

COMMON = ["data.source.count=20", "data.resize=16", "tracking=none"]


@pytest.fixture
def asked(tmp_path):
    """The answer to a question, as a command makes it, of settings with these words."""

    def made(*words: str, **settings: object) -> Answers:
        register()
        fixed = [*COMMON, f"paths.outputs={tmp_path}/outputs", f"hydra.sweep.dir={tmp_path}/sweep"]
        with initialize_config_dir(str(conf_folders()[-1]), version_base="1.3"):
            config = compose("config", fixed, return_hydra_config=True)
            config.hydra.job.config_name = "config"
            with open_dict(config):
                config.hydra.sweeper = {"confidence": 0.95, "margin": 0.005, "minutes": 30, "params": None, **settings}
            loader = GlobalHydra.instance().config_loader()
            each = [[*fixed[:-1], word] for word in words]
            wanted = list(zip(each, composed(config, loader, each), strict=True))
            found = Answers(wanted, question(config, wanted), tmp_path / "sweep")
        found.reuse(read(RunConfig, wanted[0][1]), {})
        return found

    return made


def finish(folder: Path, job: Job, right: int) -> Outcome:
    """What a job leaves whose network is right on so many of 200 pictures."""
    table = {"columns": ["sha256", "right"], "data": [[str(number), number < right] for number in range(200)]}
    (folder / "sweep" / str(job.number)).mkdir(parents=True)
    (folder / "sweep" / str(job.number) / EVALUATION).write_text(json.dumps(table))
    return Outcome("finished", right / 200, seconds=60.0)


def ended(found: Answers, folder: Path, right: dict[int, int]) -> list[tuple[int, int]]:
    """Run all jobs in turn; their layers and seeds. right: by layers, None: it fails."""
    tried = []
    while (job := found.next()) is not None:
        layers = job.settings["model"]["layers"]
        tried.append((layers, job.settings["train"]["seed"]))
        found.end(job, finish(folder, job, right[layers]) if right[layers] else Outcome("failed", reason="…"))
    return tried


def test_each_setting_gets_the_same_seeds_until_it_is_sure(asked, tmp_path):
    found = asked("model.layers=1", "model.layers=2")
    assert ended(found, tmp_path, {1: 100, 2: 150})[:6] == [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)]
    assert found.answer().startswith("2 layers are better than 1 by ")
    assert {job.differs["train.seed"] for job in found.jobs} == {0, 1, 2}
    assert len({job.fingerprint for job in found.jobs}) == 6
    assert all(f"train.seed={job.differs['train.seed']}" in job.overrides for job in found.jobs)


def test_a_setting_that_fails_ends_it_and_so_does_the_time(asked, tmp_path):
    found = asked("model.layers=1", "model.layers=2")
    assert len(ended(found, tmp_path, {1: 100, 2: 0})) == 2
    assert found.answer().startswith("no answer: model.layers=2 fails")
    late = asked("model.layers=1", "model.layers=2", minutes=1)  # of which a job takes one
    first = late.next()
    assert first is not None
    (tmp_path / "sweep").rename(tmp_path / "before")
    late.end(first, finish(tmp_path, first, 100))
    assert late.next() is None
    assert "no answer yet" in late.answer()


def test_a_question_that_cannot_be_is_refused(asked):
    with pytest.raises(UserError, match="give a key several values"):
        asked("model.layers=2")
    with pytest.raises(UserError, match=r"train.seed: an answer adds the seeds by itself"):
        asked("train.seed=1", "train.seed=2")
    with pytest.raises(UserError, match="needs the stages train and evaluate"):
        asked("stages=[pack,train]", "stages=[train]")
    with pytest.raises(UserError, match=r"hydra.sweeper.confidence=95"):
        asked("model.layers=1", "model.layers=2", confidence=95)
