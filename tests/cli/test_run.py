"""One run by the command, and what it leaves."""

import csv
import json
import resource
import shutil
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import SMALL
from tests.cli.store import client, runs
from tests.reference import reference_seconds

PICTURES = {
    "preview.png",
    "preview_augmented.png",
    "training_curves.png",
    "confusion_matrix.png",
    "evaluation_curves.png",
    "worst_mistakes.png",
}


def test_the_default_run_does_the_main_job(finished):
    folder, printed = finished
    assert "drawn" in printed
    assert "packed 48 + 12 pictures (cat 30, dog 30)" in printed
    assert "best val/accuracy" in printed
    assert "roc_auc" in printed
    (run_folder,) = (folder / "outputs" / "runs").glob("*/*")
    for name in PICTURES:
        assert (run_folder / name).read_bytes().startswith(b"\x89PNG")
    for name in (
        "run.log",
        ".hydra/config.yaml",
        "checkpoints/last.safetensors",
        "checkpoints/best.safetensors",
    ):
        assert (run_folder / name).stat().st_size > 0
    (pack,) = (path.parent for path in folder.glob("outputs/packs/*/manifest.json"))
    labels = [line.split("\t")[1] for line in (pack / "validation_file.lst").read_text().splitlines()]
    assert sorted(labels) == ["0.000000"] * 6 + ["1.000000"] * 6
    assert json.loads((pack / "manifest.json").read_text())["classes"] == ["cat", "dog"]


def test_mlflow_holds_the_whole_run(finished):
    folder, _ = finished
    (run,) = runs(folder)
    assert run.info.status == "FINISHED"
    assert run.data.params["data.resize"] == "16"
    assert run.data.params["model._target_"] == "catdog_exp.networks.cnn.Cnn"
    store = client(folder)
    for metric in ("train/loss", "train/accuracy", "val/loss", "val/accuracy", "lr", "images_per_second"):
        assert [point.step for point in store.get_metric_history(run.info.run_id, metric)] == [1, 2]
    assert run.data.metrics["pack/images_per_second"] > 0
    assert run.data.metrics["objective"] == max(
        point.value for point in store.get_metric_history(run.info.run_id, "val/accuracy")
    )
    assert 0 <= run.data.metrics["best/roc_auc"] <= 1
    assert len(run.data.tags["params_sha256"]) == 64
    assert len({entry.dataset.digest for entry in run.inputs.dataset_inputs}) == 2  # each side's own
    contexts = {tag.value for entry in run.inputs.dataset_inputs for tag in entry.tags}
    assert contexts == {"training", "validation"}
    listed = {file.path for file in store.list_artifacts(run.info.run_id)}
    assert listed >= PICTURES
    checkpoints = [file.path for file in store.list_artifacts(run.info.run_id, "checkpoints")]
    assert checkpoints == ["checkpoints/best.safetensors"]
    (model,) = store.search_logged_models([run.info.experiment_id])
    assert (model.name, model.source_run_id, str(model.status)) == ("cnn", run.info.run_id, "READY")
    tied = {metric.key: metric.value for metric in model.metrics}
    assert tied["best/roc_auc"] == run.data.metrics["best/roc_auc"]
    card = (Path(model.artifact_location) / "README.md").read_text()
    assert f"| accuracy | {run.data.metrics['best/accuracy']:.4g} |" in card


def test_the_same_run_anew_reuses_the_pack_and_gives_the_same_checkpoint(finished, tmp_path, catdog):
    folder, _ = finished
    copy = shutil.copytree(folder, tmp_path / "copy")
    done = catdog(*SMALL, "if_exists=new", cwd=copy)
    assert done.returncode == 0, done.stderr
    assert "is there already" in done.stdout
    first, second = sorted((copy / "outputs" / "runs").glob("*/*"))
    for name in ("last", "best"):
        file = f"checkpoints/{name}.safetensors"
        assert (first / file).read_bytes() == (second / file).read_bytes()
    assert not list((copy / "outputs").rglob("*.making"))


def test_tracking_none_logs_nothing(catdog, tmp_path):
    done = catdog(*SMALL, "tracking=none", "stages=[pack,preview]")
    assert done.returncode == 0, done.stderr
    assert "not logged" in done.stdout
    assert sorted(path.name for path in (tmp_path / "outputs").iterdir()) == ["packs", "pictures", "runs"]
    assert not list(tmp_path.rglob("*.safetensors"))


def test_predict_as_a_stage_labels_a_folder_with_the_best_run(finished, tmp_path, catdog):
    copy = shutil.copytree(finished[0], tmp_path / "copy")
    pictures = tmp_path / "unknown"
    pictures.mkdir()
    drawn = next((copy / "outputs" / "pictures").glob("*/dog"))
    for picture in sorted(drawn.iterdir())[:3]:
        shutil.copy(picture, pictures)
    done = catdog("stages=[predict]", f"predict.pictures={pictures}", cwd=copy)
    assert done.returncode == 0, done.stderr
    assert "network of run" in done.stdout
    (table,) = copy.glob("outputs/runs/*/*/predictions.csv")
    listed = table.with_name("test_file.lst").read_text().splitlines()
    assert [line.split("\t")[0] for line in listed] == ["0", "1", "2"]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    assert {row["label"] for row in rows} <= {"cat", "dog"}
    assert table.with_name("predictions.png").is_file()


def test_predict_after_training_uses_the_new_network(catdog, tmp_path, finished):
    folder, _ = finished
    pictures = next((folder / "outputs" / "pictures").glob("*/cat"))
    done = catdog(*SMALL, "stages=[pack,train,predict]", f"predict.pictures={pictures}")
    assert done.returncode == 0, done.stderr
    assert "network of run" not in done.stdout
    assert list(tmp_path.glob("outputs/runs/*/*/predictions.csv"))


def test_an_own_conf_folder_is_searched_first(catdog, tmp_path):
    for name, text in {
        "experiment/tiny.yaml": "# @package _global_\ntrain:\n  epochs: 1\n",
        "model/cnn.yaml": "_target_: own.Own\nlayers: 1\nwidth: 2\ndense: [4]\nbatch_norm: false\ndropout: 0.0\n",
        "local/default.yaml": "# @package _global_\ndata:\n  source:\n    count: 40\n",
    }.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
    (tmp_path / "own.py").write_text(
        "from dataclasses import dataclass\nfrom catdog_exp.networks.cnn import Cnn\n\n"
        "@dataclass(frozen=True)\nclass Own(Cnn):\n    '''A family of one's own.'''\n"
    )
    done = catdog("experiment=tiny", "stages=[pack,train]")
    assert done.returncode == 0, done.stderr
    assert "packed 32 + 8 pictures" in done.stdout
    (run,) = runs(tmp_path)
    assert run.data.params["model._target_"] == "own.Own"
    assert run.data.params["train.epochs"] == "1"


@pytest.mark.parametrize("how", ["choice", "environment"])
def test_a_machine_brings_its_settings(catdog, how):
    words, env = (["machine=example"], {}) if how == "choice" else ([], {"CATDOG_MACHINE": "example"})
    done = catdog("--cfg", "job", "--package", "hardware", *words, **env)
    assert "threads: 2" in done.stdout


def test_the_host_s_own_file_is_found(catdog, tmp_path):
    import socket

    file = tmp_path / "conf" / "machine" / f"{socket.gethostname()}.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("# @package _global_\nhardware:\n  batch_size: 7\n")
    assert "batch_size: 7" in catdog("--cfg", "job", "--package", "hardware").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["data.resize=24"], "the network is for cat, dog at 16 pixels, the pictures are cat, dog at 24"),
        (["data.classes=[Cat,Dog]"], "the pictures are Cat, Dog at 16"),
    ],
)
def test_a_network_for_other_pictures_is_not_evaluated_on_these(finished, tmp_path, catdog, words, told):
    copy = shutil.copytree(finished[0], tmp_path / "copy")
    done = catdog(*SMALL, *words, "stages=[pack,evaluate]", cwd=copy)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]


def test_a_password_is_not_logged(finished, tmp_path, catdog):
    copy = shutil.copytree(finished[0], tmp_path / "copy")
    done = catdog(*SMALL, "stages=[pack]", "predict.run='http://me:secret@host'", cwd=copy)
    assert done.returncode == 0, done.stderr
    run = runs(copy)[-1]
    logged = [run.info.run_name, *run.data.params.values(), *run.data.tags.values()]
    logged += [path.read_text() for path in Path(run.info.artifact_uri.removeprefix("file://")).glob("config/*.yaml")]
    assert len(logged) > 20
    assert not [text for text in logged if "secret" in text]


def test_the_logged_config_is_resolved_and_whole(finished):
    folder, _ = finished
    (run,) = runs(folder)
    text = (Path(run.info.artifact_uri.removeprefix("file://")) / "config" / "config.yaml").read_text()
    config = yaml.safe_load(text)
    assert "${" not in text
    assert config["paths"]["outputs"] == str(folder / "outputs")
    assert config["model"]["layers"] == 2


def test_without_the_stage_pack_the_pack_that_is_there_is_used(finished, tmp_path, catdog):
    done = catdog(*SMALL, "stages=[preview]")
    assert done.returncode == 2
    assert "add pack to stages" in done.stderr.splitlines()[-1].replace("`", "")
    assert not list(tmp_path.glob("outputs/packs/*/manifest.json"))
    copy = shutil.copytree(finished[0], tmp_path / "copy")
    done = catdog(*SMALL, "stages=[preview]", cwd=copy)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_default_run_is_done_in_time_and_neither_trivial_nor_hopeless(tmp_path, installed):
    before, unit = resource.getrusage(resource.RUSAGE_CHILDREN), reference_seconds()
    done = installed()
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = (unit + reference_seconds()) / 2
    assert after.ru_utime - before.ru_utime < 6_000 * unit  # 2,900 to 3,900, on an idle machine and a busy one
    (run,) = runs(tmp_path)
    assert 0.7 < run.data.metrics["best/accuracy"] < 0.995
