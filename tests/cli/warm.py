"""Imported before command lines are forked off: modules that they share, and the caches that the first one fills."""

import importlib

import catdog_exp.sweeps.ready  # noqa: F401  # all that is slow, and safe to fork
from catdog_exp.app.compose import compose, run_config

SHARED = [
    *("catdog_exp.app.main", "catdog_exp.app.help", "catdog_exp.cli", "catdog_exp.experiment.plan_text"),
    *("catdog_exp.sweeps.launch", "catdog_exp.sweeps.table", "catdog_exp.training.objective"),
    *("catdog_exp.commands.runs", "catdog_exp.commands.packs", "catdog_exp.commands.show"),
]
for module in SHARED:
    importlib.import_module(module)
run_config(["train.epochs=1", "data.classes=[a,b]", "paths.outputs='o'"])  # the grammar's tables, the keys' types
compose(["+x={a:[1]}", "hydra.run.dir=${paths.outputs}/x", "train.lr=1.5", "data=folder", "data.root=$X"])
