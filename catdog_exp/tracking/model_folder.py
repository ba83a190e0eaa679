"""A network as a folder that MLflow loads: its code, its ONNX file and all that MLflow wants to know of it.

By hand, as MLflow 3 lays such folders out: its own writer takes seconds, most of them imports, at the end of each run.
"""

from __future__ import annotations

import base64
import json
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path

import yaml

from catdog_exp.tracking.provenance import DISTRIBUTIONS, installed_version

CODE = Path(__file__).with_name("served.py")
CARD = "README.md"
NETWORK, SETTINGS = "artifacts/network.onnx", "artifacts/network.json"
EXAMPLE, SERVING_EXAMPLE = "input_example.json", "serving_input_example.json"


def write_model(
    folder: Path, network: bytes, classes: Sequence[str], size: int, quality: int | None, example: bytes, card: str
) -> None:
    """Write an MLflow model into a new folder.

    network: an .onnx file's bytes, from `pixels` to `probabilities`. size: edge of its square input.
    quality: of the JPEGs that its pictures were packed as, None where that is not known. example: a
    picture file's bytes. card: what the model is, Markdown.
    """
    (folder / "artifacts").mkdir(parents=True)
    (folder / NETWORK).write_bytes(network)
    (folder / SETTINGS).write_text(
        json.dumps({"classes": list(classes), "size": size, "quality": quality}), encoding="utf-8"
    )
    (folder / CARD).write_text(card, encoding="utf-8")
    shutil.copyfile(CODE, folder / CODE.name)
    asked = {"columns": ["picture"], "data": [[base64.b64encode(example).decode()]]}
    (folder / EXAMPLE).write_text(json.dumps(asked), encoding="utf-8")
    (folder / SERVING_EXAMPLE).write_text(json.dumps({"dataframe_split": asked}), encoding="utf-8")
    python = platform.python_version()
    environment = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    (folder / "python_env.yaml").write_text(yaml.safe_dump(environment, sort_keys=False))
    # MLflow looks for it even where it makes the environment without conda.
    conda = {"channels": ["conda-forge"], "dependencies": [f"python={python}", "pip", {"pip": requirements()}]}
    (folder / "conda.yaml").write_text(yaml.safe_dump(conda, sort_keys=False))
    (folder / "requirements.txt").write_text("\n".join([*requirements(), ""]))
    (folder / "MLmodel").write_text(yaml.safe_dump(_description(classes, python)), encoding="utf-8")


def requirements() -> list[str]:
    """What a model needs, in the versions that are installed here; of OpenCV the build without windows."""
    installed = {
        "mlflow": installed_version(("mlflow",)),
        "numpy": installed_version(("numpy",)),
        "onnxruntime": installed_version(("onnxruntime", "onnxruntime-gpu")),
        "opencv-python-headless": installed_version(DISTRIBUTIONS["opencv"]),
    }
    return [f"{name}=={version}" for name, version in installed.items()]


def _description(classes: Sequence[str], python: str) -> dict[str, object]:
    """The file MLmodel."""
    columns = [("string", "label"), ("double", "probability"), *(("double", f"p_{name}") for name in classes)]
    outputs = [{"type": kind, "name": name, "required": True} for kind, name in columns]
    return {
        "flavors": {
            "python_function": {
                "artifacts": {
                    name: {"path": path, "uri": path} for name, path in (("network", NETWORK), ("settings", SETTINGS))
                },
                "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
                "loader_module": "mlflow.pyfunc.loaders.code_model",
                "model_code_path": CODE.name,
                "python_version": python,
                "streamable": False,
            }
        },
        "mlflow_version": installed_version(("mlflow",)),
        "saved_input_example_info": {
            "artifact_path": EXAMPLE,
            "serving_input_path": SERVING_EXAMPLE,
            "type": "dataframe",
            "pandas_orient": "split",
        },
        # One column of any name: what is in it, `served.Model.predict` says.
        "signature": {
            "inputs": json.dumps([{"type": "any", "required": True}]),
            "outputs": json.dumps(outputs),
            "params": None,
        },
    }
