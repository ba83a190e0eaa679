"""MXNet's start, and the devices that it can use."""

import subprocess
import sys

import pytest

from catdog_exp import mx as start
from catdog_exp.errors import UserError


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_the_import_is_silent_and_brief_and_leaves_numpy_and_scikit_learn_as_they_were():
    done = run(
        "import sys, numpy\n"
        "before = set(vars(numpy))\n"
        "from catdog_exp.mx import mx\n"
        "mx.nd.ones(3).asnumpy()\n"
        "assert 'bool' not in set(vars(numpy)) - before\n"
        "assert not any(name.split('.')[0] in ('sklearn', 'pandas', 'scipy', 'onnx') for name in sys.modules)\n"
        "import sklearn.base\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.slow
def test_a_scikit_learn_that_is_already_imported_stays_the_same():
    done = run(
        "import sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "import sklearn\n"
        "from catdog_exp.mx import mx\n"
        "assert sys.modules['sklearn'] is sklearn\n"
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_operator_is_compiled_when_it_is_first_called_and_keeps_its_name_and_description():
    operator = start.mx.nd.reciprocal
    assert operator.__name__ == "reciprocal"
    assert "reciprocal" in operator.__doc__
    assert operator(start.mx.nd.array([4.0])).asscalar() == operator(data=start.mx.nd.array([4.0])).asscalar() == 0.25
    named = start.mx.sym.Variable("x")
    assert start.mx.sym.reciprocal(named, name="y").list_outputs() == ["y_output"]


def test_the_processor_can_always_be_had():
    assert start.context("cpu") == start.mx.cpu()


def test_auto_takes_the_card_only_where_it_can_compute():
    expected = start.mx.cpu() if start.gpu_problem() else start.mx.gpu(0)
    assert start.context("auto") == expected


def test_the_features_that_the_processor_build_has_are_told():
    assert {"MKLDNN", "OPENMP"} <= set(start.features())


@pytest.mark.skipif("CUDA" in start.features(), reason="this MXNet is built for CUDA")
def test_a_gpu_is_refused_by_the_processor_build_in_one_line():
    with pytest.raises(UserError, match=r"hardware\.device=gpu: .*built for the processor alone") as caught:
        start.context("gpu")
    assert "\n" not in str(caught.value)


@pytest.fixture
def cuda_build(monkeypatch, tmp_path):
    """What a CUDA build of MXNet on a machine with one GPU would answer; returns a setter of its capability."""
    monkeypatch.setattr(start, "features", lambda: ["CUDA"])
    monkeypatch.setattr(start.mx.context, "num_gpus", lambda: 1)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def capability(text: str) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text(
            f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n'
            'for last; do :; done; GPUs=$(echo "${last#--id=}" | tr , "\\n" | wc -l)\n'
            f"head -n $GPUs <<'END'\n{text}\nEND\n"
        )
        tool.chmod(0o755)

    return capability


@pytest.mark.parametrize("text", ["5.0", "8.6", "8.9"])
def test_a_card_from_maxwell_to_ada_is_used(cuda_build, text):
    cuda_build(text)
    assert start.context("auto") == start.mx.gpu(0)


@pytest.mark.parametrize("device", ["gpu", "auto"])
def test_more_cards_than_there_are_is_told(cuda_build, device):
    cuda_build("8.6")
    with pytest.raises(UserError, match=r"hardware\.gpus=2: CUDA sees no more than 1 here"):
        start.context(device, 2)


@pytest.mark.parametrize(
    ("capabilities", "told"),
    [("8.6\n9.0", r"9\.0, .* none newer than 8\.9"), ("8.6\n3.5", r"3\.5, .* none older than 5\.0")],
)
def test_every_card_that_is_used_is_looked_at(cuda_build, monkeypatch, capabilities, told):
    cuda_build(capabilities)
    monkeypatch.setattr(start.mx.context, "num_gpus", lambda: 2)
    with pytest.raises(UserError, match=rf"hardware\.gpus=2: a GPU's compute capability is {told}"):
        start.context("gpu", 2)


@pytest.mark.parametrize(
    ("visible", "asked"), [(None, "--id=0,1"), ("3,1,2", "--id=3,1"), ("GPU-a,GPU-b", "--id=GPU-a,GPU-b")]
)
def test_the_cards_that_are_looked_at_are_those_that_cuda_may_use(cuda_build, monkeypatch, tmp_path, visible, asked):
    cuda_build("8.6\n8.6")
    monkeypatch.setattr(start.mx.context, "num_gpus", lambda: 2)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    place = start.context("gpu", 2)
    assert start.side_by_side(place, 8, 2) == [start.mx.gpu(0), start.mx.gpu(1)]
    assert asked in (tmp_path / "asked").read_text().split()


def test_a_card_that_is_too_new_is_named_and_auto_falls_back(cuda_build):
    cuda_build("9.0")
    with pytest.raises(UserError, match=r"compute capability is 9\.0, .* none newer than 8\.9"):
        start.context("gpu")
    assert start.context("auto") == start.mx.cpu()


@pytest.mark.parametrize("text", ["", "[N/A]"])
def test_a_card_whose_capability_is_not_told_is_tried(cuda_build, text):
    cuda_build(text)
    assert start.context("gpu") == start.mx.gpu(0)


def test_no_card_is_said_so(cuda_build, monkeypatch):
    cuda_build("8.6")
    monkeypatch.setattr(start.mx.context, "num_gpus", lambda: 0)
    with pytest.raises(UserError, match="no CUDA GPU is seen"):
        start.context("gpu")


def test_a_driver_that_does_not_start_is_quoted_in_one_line(cuda_build, monkeypatch):
    def fail() -> int:
        raise start.mx.MXNetError(
            'Traceback (most recent call last):\n  File "c_api.cc", line 1\n'
            "MXNetError: CUDA: driver version is insufficient"
        )

    cuda_build("8.6")
    monkeypatch.setattr(start.mx.context, "num_gpus", fail)
    with pytest.raises(UserError, match="driver version is insufficient") as caught:
        start.context("gpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("place", "flags", "dtype", "told"),
    [
        (start.mx.cpu(), ["avx2"], "bfloat16", r"hardware\.dtype=bfloat16: this processor does not have it"),
        (start.mx.cpu(), ["avx512_bf16"], "float16", r"hardware\.dtype=float16: MXNet has it on GPUs alone"),
        (start.mx.gpu(0), ["avx512_bf16"], "bfloat16", r"hardware\.dtype=bfloat16: MXNet has it on processors alone"),
    ],
)
def test_a_type_of_numbers_that_a_device_has_not_is_refused(monkeypatch, place, flags, dtype, told):
    monkeypatch.setattr(start, "processor_flags", lambda: flags)
    with pytest.raises(UserError, match=told):
        start.check_dtype(place, dtype)


def test_the_types_of_numbers_that_devices_have(monkeypatch):
    monkeypatch.setattr(start, "processor_flags", lambda: ["avx512_bf16"])
    for place, dtype in ((start.mx.cpu(), "float32"), (start.mx.cpu(), "bfloat16"), (start.mx.gpu(0), "float16")):
        start.check_dtype(place, dtype)
