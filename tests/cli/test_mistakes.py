"""What a careless user types: one clear line, exit code 2, nothing left behind."""

import pytest

from tests.cli.forked import forked

MISTAKES = [
    (["data.resise=3"], "data.resise: unknown key; did you mean data.resize?"),
    (["+data.resise=3"], "data.resise: unknown key; did you mean data.resize?"),
    (["model=resnet", "model.widht=8"], "model.widht: unknown key; did you mean model.width?"),
    (["modle=cnn"], "modle: unknown key; did you mean model?"),
    (["data.quality=high"], "data.quality='high': should be a valid integer"),
    (["data.split_ratio=1.5"], "data.split_ratio=1.5: should be less than 1"),
    (["data.fold=1"], "data.fold=1: give data.folds too"),
    (["data.folds=5", "data.fold=5"], "data.fold=5: of 5 folds the last is 4"),
    (["data.test_ratio=1"], "data.test_ratio=1 leaves no picture to train on"),
    (["data.resize=0"], "data.resize=0: should be greater than or equal to 8"),
    (["model=cn"], "model=cn: no such choice; model can be cnn, efficientnet_lite, fastnet, onnx_backbone, resnet"),
    (["experiment=nope"], "experiment=nope: no such choice; experiment can be accurate, fast, notebook, readme300"),
    (["machine=nope"], "machine=nope: no such choice; machine can be default, example"),
    (["model.layers=6"], "model.layers=6: "),
    (["model=resnet", "model.layers=9"], "model.layers=9: "),
    (["sweep.dry_run=true"], "sweep.dry_run=true: this is a single run; add -m"),
    (["if_exists=maybe"], "if_exists='maybe': should be 'reuse', 'resume', 'new' or 'skip'"),
    (["-m", "objective=val/loss,val/accuracy"], "objective: all jobs of a sweep share it, give it one value"),
    (["-m", "sweep.jobs=0", "train.seed=1,2"], "sweep.jobs=0: "),
    (
        ["-m", "train.lr=interval(0.1,1)"],
        "train.lr=interval(0.1,1): a grid has no end of these; name values, or search",
    ),
    (["augment.size=24"], "augment.size=24: this network is for pictures of one size, data.resize=32; "),
    (["optimizer=sgd"], "optimizer=sgd: a file is chosen by its group, write train/optimizer=sgd"),
    (["train.schedule=step,cosine", "-m"], "a file is chosen by its group, write train/schedule=step,cosine"),
    (["sweep.seed=3"], "sweep.seed: unknown key; did you mean data.seed or data.source.seed or train.seed?"),
    (["data.root=x"], "data.root: the chosen data has no such key; data=catsdogs25k, "),
    (["-m", "model=cnn,resnet", "model.dense=[3]"], "model.dense: the chosen model has no such key; model=cnn has it"),
    (["train/optimizer=sgd", "train.optimizer.beta1=0"], "train/optimizer=adam, train/optimizer=adamw and "),
    (["-m", "experiment=glob(z*)"], "nothing is swept by this, it has no value; experiment can be accurate, fast"),
    (["-m", "train.seed=range(3,3)"], "train.seed=range(3,3): nothing is swept by this"),
    (["data=folder"], "data.root is not set: give data.root=VALUE"),
    (["data=folder", "data.root=/tmp", "train.epoch=3"], "train.epoch: unknown key; did you mean train.epochs?"),
    (["data=folder", "train.epoch=3"], "train.epoch: unknown key; did you mean train.epochs?"),
    (["data=filtered", "data.root=nowhere"], "nowhere"),
    (["data.classes=[a,b,c]"], "drawn pictures are of a cat (0) or a dog (1)"),
    (["data.classes=['',dog]"], "data.classes=['', 'dog']"),
    (["tracking.uri=mlruns"], "tracking.uri=mlruns: MLflow keeps runs in a database or at a server"),
    (["paths.outputs=/dev/null/x"], "paths.outputs=/dev/null/x: /dev/null is a file"),
    (["paths.outputs=''"], "paths.outputs=''"),
    (["train.lr=inf"], "train.lr=inf: should be a finite number"),
    (["train.schedule.warmup_epochs=inf"], "train.schedule.warmup_epochs=inf: should be a finite number"),
    (
        ["train.class_weights=even"],
        "train.class_weights='even': should be 'none' or 'balanced', or should be",
    ),
    (["train.class_weights=[1,2,3]"], "train.class_weights=[1.0, 2.0, 3.0]: give one number for each of the 2 classes"),
    (["hardware.batch_size=1000000000000"], "hardware.batch_size=1000000000000: should be less than or equal to"),
    (["stages=[predict]"], "predict.pictures is not set: give predict.pictures=DIR"),
    (["model._target_=catdog_exp.networks.network.Network"], "model._target_=catdog_exp.networks.network.Network: "),
    (["data=folder", "data.root=nowhere"], "nowhere"),
    (["data.resize=32,64"], "data.resize=32,64: several values make a sweep, add -m"),
    (["data.resize=[1,2"], "data.resize=[1,2"),
    (["data=folder", "data.root=/some dir=1"], "quote a value with spaces or signs"),
    (["data.resize=${nope}"], "data.resize: "),
    (["objective=val/acuracy"], "objective=val/acuracy: must be one of "),
    (["stages=[pack,trian]"], "stages=['pack', 'trian']: "),
    (["hardware=gpu"], "hardware.device=gpu: "),
    (["hardware.dtype=float16"], "hardware.dtype=float16: MXNet has it on GPUs alone"),
    (
        ["stages=[predict]", "predict.pictures=nowhere"],
        "predict.pictures=nowhere: there is no such file or folder",
    ),
    (["-m", "model.layers=2,9"], "model.layers=9: "),
    (["-m", "model.layer=2,3"], "model.layer: unknown key; did you mean model.layers?"),
    (["trian"], "trian: no such command"),
    (["predcit", "x.jpg"], "predcit: no such command; did you mean predict?"),
    (["--config-name=other"], "other"),
]


@pytest.mark.parametrize(
    ("words", "told"), MISTAKES, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_is_told_in_one_line(tmp_path, words, told):
    done = forked(words, tmp_path)
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert told in done.stderr
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_machine_in_the_environment_is_told(catdog, tmp_path):
    done = catdog(CATDOG_MACHINE="nope")
    assert done.stderr == "catdog: CATDOG_MACHINE=nope: no such choice; it can be default, example\n"
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_a_broken_yaml_file_of_the_user_s_own_is_named(catdog, tmp_path):
    own = tmp_path / "conf" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\ntrain: [1\n")
    done = catdog("experiment=mine")
    assert "mine.yaml" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.returncode == 2
