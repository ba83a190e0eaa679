"""What a folder's MLflow store holds, read with MLflow itself."""

from pathlib import Path

from catdog_exp.tracking.preparing import prepare_mlflow


def client(folder: Path):
    """MLflow's client on the store that runs in `folder` have made."""
    prepare_mlflow()
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{folder}/outputs/mlflow.db")


def runs(folder: Path, experiment: str = "catdog"):
    """All runs of an experiment, the oldest first."""
    store = client(folder)
    found = store.get_experiment_by_name(experiment)
    return store.search_runs([found.experiment_id], order_by=["attributes.start_time ASC"]) if found else []
