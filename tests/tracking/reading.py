"""A run as MLflow has it."""

from catdog_exp.tracking.store import open_store


def logged(config, run_id):
    return open_store(config).client.get_run(run_id)
