"""Runs of tests, whose journals lie beside their store, or in the folder that is given."""

from catdog_exp.tracking import run
from catdog_exp.tracking.uris import sqlite_path


def start_run(config, name, tags, resume=None, outputs=None):
    return run.start_run(config, outputs or sqlite_path(config.uri).parent, name, tags, resume)
