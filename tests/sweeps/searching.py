"""A search with jobs that train nothing: their objective is computed from what they are to try."""

from collections import Counter
from pathlib import Path

from catdog_exp.sweeps.jobs import Outcome

SPACE = {"model.layers": "range(1,5)", "train.lr": "tag(log, interval(0.001, 0.1))", "augment": "choice(none,basic)"}


def finish(job) -> Outcome:
    """How a job ends: three layers and a small rate are the best."""
    return Outcome("finished", -abs(job.settings["model"]["layers"] - 3) - job.settings["train"]["lr"])


def study_of(folder: Path):
    """What Optuna keeps of the one search in a folder."""
    import optuna

    storage = f"sqlite:///{folder}/optuna.db"
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def states(folder: Path) -> dict[str, int]:
    """How many of its trials are in each state."""
    return dict(Counter(trial.state.name for trial in study_of(folder).trials))
