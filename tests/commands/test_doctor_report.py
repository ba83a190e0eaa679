import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from catdog_exp.commands import doctor_report as doctor
from catdog_exp.commands import packages as installed
from catdog_exp.tracking.config import TrackingConfig
from tests.tracking.starting import start_run

REPOSITORY = Path(__file__).resolve().parents[2]
GPUS = "8.6, NVIDIA A10\n9.0, NVIDIA H100 80GB HBM3\n3.7, Tesla K80\n"


def packages(tmp_path, shim, monkeypatch):
    """The facts about packages where the module `cv2` is the text `shim`; no other package is imported."""
    (tmp_path / "cv2.py").write_text(shim)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(installed, "IMPORTS", {"opencv-python": "cv2"})
    sections = doctor.report(f"sqlite:///{tmp_path}/mlflow.db", tmp_path, [])
    return {fact.name: fact for fact in dict(itertools.islice(sections, 2))["Packages"]}


def test_a_package_whose_library_is_missing_is_named_with_what_to_install(tmp_path, monkeypatch):
    shim = "import ctypes\nctypes.CDLL('libgthread-2.0.so.99')"
    fact = packages(tmp_path, shim, monkeypatch)["opencv-python"]
    assert fact.word == "missing"
    assert "libgthread-2.0.so.99 is missing" in fact.value
    assert "apt-get install libglib2.0-0" in fact.value


@pytest.mark.parametrize(
    ("shim", "reason"),
    [
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "its import ended with SIGSEGV"),
        ("raise RuntimeError('built for another numpy')", "RuntimeError: built for another numpy"),
    ],
)
def test_a_package_that_breaks_on_import_is_missing(tmp_path, monkeypatch, shim, reason):
    fact = packages(tmp_path, shim, monkeypatch)["opencv-python"]
    assert fact.word == "missing"
    assert fact.value.endswith(f"cannot be imported: {reason}")


def test_packages_that_are_there_are_ok_and_an_extra_is_only_noted(tmp_path, monkeypatch):
    facts = packages(tmp_path, "", monkeypatch)
    assert facts["numpy"].word == "ok"
    assert re.match(r"1\.26\.\d+ \(needs .*<2", facts["numpy"].value)
    assert facts["gdown"].word in ("ok", "note")


class Versions:
    """What is installed: these distributions besides those that are."""

    def __init__(self, monkeypatch, **versions):
        there = installed.metadata.version

        def version(name):
            found = versions[name] if name in versions else there(name)
            if found is None:
                raise installed.metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr(installed.metadata, "version", version)


def test_either_opencv_will_do_and_both_are_noted(tmp_path, monkeypatch):
    headless = {"opencv-python-headless": "4.11.0.86"}
    Versions(monkeypatch, **headless, **{"opencv-python": None})
    assert packages(tmp_path, "", monkeypatch)["opencv-python"].word == "ok"
    assert installed.environment_line(AttributeError("other")) is None
    Versions(monkeypatch, **headless, **{"opencv-python": "4.11.0.86"})
    fact = packages(tmp_path, "", monkeypatch)["opencv-python"]
    assert fact.word == "note"
    assert "opencv-python and opencv-python-headless overwrite each other: `pip uninstall" in fact.value


def test_an_opencv_of_which_another_one_took_a_part_along_is_not_whole(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(each for each in sys.path if "site-packages" not in each)])
    (tmp_path / "cv2" / "data").mkdir(parents=True)
    monkeypatch.setattr(installed, "_needed", list)
    line = installed.environment_line(AttributeError("module 'cv2' has no attribute 'imdecode'"))
    assert line is not None
    assert "cv2 is not whole: `pip uninstall opencv-python opencv-python-headless" in line


@pytest.mark.parametrize(
    ("versions", "error", "told"),
    [
        ({"numpy": "2.2.6"}, AttributeError("np.sometrue"), "numpy is 2.2.6, which does not fit (needs <2,>=1.26.4)"),
        ({"onnx": "1.2"}, ImportError("mapping"), "onnx is 1.2, which does not fit"),
        ({"matplotlib": None}, ModuleNotFoundError("x", name="matplotlib"), "matplotlib is not installed"),
        ({}, ModuleNotFoundError("x", name="submitit.core"), "`pip install 'catdog-exp[submitit]'`"),
        ({}, ModuleNotFoundError("x", name="alembic"), "`pip install 'alembic'`"),
        ({}, RuntimeError('Could not detect "srun", are you indeed on a slurm cluster?'), "not on the PATH"),
    ],
)
def test_what_an_error_owes_to_what_is_installed_is_one_line(monkeypatch, versions, error, told):
    Versions(monkeypatch, **versions)
    line = installed.environment_line(error)
    assert line is not None
    assert told in line
    assert "\n" not in line


def test_any_other_error_is_not_put_down_to_what_is_installed():
    assert installed.environment_line(ValueError("a mistake of ours")) is None


def test_a_version_that_does_not_fit_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(installed.metadata, "requires", lambda _: ["numpy>=99", "no-such-package>=1"])
    facts = packages(tmp_path, "", monkeypatch)
    assert facts["numpy"].word == "missing"
    assert "does not fit (needs >=99): `pip install 'numpy>=99'`" in facts["numpy"].value
    assert facts["no-such-package"].value == "not installed (needs >=1): `pip install 'no-such-package>=1'`"


def test_a_bare_python_gets_its_report_too(tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r});"
        "from pathlib import Path; from catdog_exp.commands.doctor_report import doctor; here = Path.cwd();"
        "sys.exit(doctor(f'sqlite:///{here}/mlflow.db', here, [here]))"
    )
    outcome = subprocess.run(
        [sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert outcome.stderr == ""
    assert outcome.returncode == 1
    assert re.search(r"missing +mxnet +not installed", outcome.stdout)
    assert re.search(r"ok +version +3\.1", outcome.stdout)
    assert outcome.stdout.splitlines()[-1].startswith("something that is needed is missing")


@pytest.mark.slow
def test_a_whole_report_on_this_machine(tmp_path, monkeypatch, capsys):
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\nprintf '{GPUS}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=":")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    with start_run(TrackingConfig(True, uri, "cats", None, None), "run", {}):
        pass
    assert doctor.doctor(uri, tmp_path / "outputs", [REPOSITORY / "conf"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"ok +mxnet +1\.9\.1", text)
    assert re.search(r"ok +MKLDNN +yes", text)
    assert re.search(r"ok +NVIDIA A10 +compute capability 8\.6\n", text)
    assert re.search(r"note +NVIDIA H100 80GB HBM3 +compute capability 9\.0, which MXNet cannot run on", text)
    assert re.search(r"note +Tesla K80 .*cannot run on \(5\.0 to 8\.9 can\)", text)
    assert re.search(r"outputs: \d+\.\d GiB free", text)
    assert "1 run, schema as this MLflow needs it" in text
    assert all(line.isascii() for line in text.splitlines())
    assert not (tmp_path / "outputs").exists()


def test_what_this_python_does_not_need_is_not_asked_for(tmp_path, monkeypatch):
    needs = ["numpy>=1", "no-such-package>=1; python_version < '3'", "other-package>=1; python_version >= '3'"]
    monkeypatch.setattr(installed.metadata, "requires", lambda _: needs)
    facts = packages(tmp_path, "", monkeypatch)
    assert set(facts) == {"numpy", "other-package"}
