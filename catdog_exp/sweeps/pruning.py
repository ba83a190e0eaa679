"""Giving up trials of a search that are worse than others were at the same epoch."""

from __future__ import annotations

from pathlib import Path

from catdog_exp.sweeps.study import opened

STARTUP, WARMUP = "startup_trials", "warmup_epochs"  # what a study notes for its trials' reporters


class Reporter:
    """Tells a study how a trial comes along, and hears whether to go on.

    A trial is given up when its best value so far is worse than the median of those that complete trials had
    at this epoch: not in the first epochs, and not before some trials are complete.
    Values of epochs that the trial has already told, as before an interruption, are left as they are.
    """

    def __init__(self, storage: Path, study: str, trial_number: int) -> None:
        """Raises UserError when the study cannot be opened."""
        import optuna

        self._study = opened(storage, study)
        attributes = self._study.user_attrs
        # Optuna counts the first epoch as step 0.
        self._study.pruner = optuna.pruners.MedianPruner(
            n_startup_trials=attributes[STARTUP], n_warmup_steps=max(attributes[WARMUP] - 1, 0)
        )
        (trial,) = (trial for trial in self._study.get_trials(deepcopy=False) if trial.number == trial_number)
        self._trial = optuna.trial.Trial(self._study, trial._trial_id)
        self._told = set(trial.intermediate_values)

    def report(self, epoch: int, value: float) -> bool:
        """Tell the objective's value after `epoch`, counted from 1. True: give the training up."""
        step = epoch - 1
        if step not in self._told:
            self._told.add(step)
            self._trial.report(value, step)
        return bool(self._trial.should_prune())
