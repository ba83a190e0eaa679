from catdog_exp.experiment.naming import job_name, run_name, sweep_name

SETTINGS = {
    "chosen": {"model": "cnn", "data": "folder"},
    "data": {"resize": 64, "root": "/somewhere/pictures"},
    "train": {"lr": 0.0123456, "epochs": 5},
    "paths": {"outputs": "/o"},
}


def test_a_run_is_called_by_what_it_is_and_what_was_changed():
    assert run_name(SETTINGS, []) == "cnn on folder, 64 px"
    words = ["data=folder", "data.root=/somewhere/pictures", "train.lr=0.0123456", "data.resize=64", "paths.outputs=/o"]
    assert run_name(SETTINGS, words) == "cnn on folder, 64 px, lr=0.0123"
    recipe = {**SETTINGS, "chosen": {"experiment": "fast", "model": "fastnet", "data": "folder"}}
    assert run_name(recipe, ["experiment=fast"]) == "fast on folder, 64 px"


def test_a_job_is_called_by_what_it_differs_in():
    assert job_name({"model.layers": 4, "data.resize": 24}) == "layers=4 resize=24"
    assert job_name({"model.layers": 4, "other.layers": 1, "train.lr": 0.0123456}) == (
        "model.layers=4 other.layers=1 lr=0.0123"
    )
    assert job_name({"model": "resnet", "data.root": "/somewhere"}) == "model=resnet"


def test_a_sweep_is_called_by_what_it_varies():
    assert sweep_name(["model.layers", "data.resize"], 6) == "model.layers × data.resize, 6 jobs"
    assert sweep_name(["train.seed"], 1) == "train.seed, 1 job"
    assert len(sweep_name([f"key.{number}" for number in range(100)], 6)) == 120
