"""`catdog export`: a run's network as files for other programs."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from catdog_exp.commands.arguments import Parser, split_overrides
from catdog_exp.commands.selected import Selected
from catdog_exp.tracking.selecting import HOW


def main(words: Sequence[str]) -> int:
    """Write the network of the run that `words` name into a folder."""
    overrides, others = split_overrides(words)
    chosen = _parser().parse_args(others)
    selected = Selected("export", overrides)

    from catdog_exp.inference.export import whole_folder, write_mxnet, write_onnx
    from catdog_exp.inference.trained_network import Runs, load_network
    from catdog_exp.tracking.registry import model_files

    config = selected.config
    runs = Runs(config.tracking, config.objective, Path(config.paths.outputs), type(config.model))
    run = runs.find(chosen.run)
    with whole_folder(chosen.folder) as folder:
        if chosen.format == "pyfunc":
            with model_files(selected.store, run.run_id) as model:
                shutil.copytree(model, folder, dirs_exist_ok=True)
        else:
            write = {"onnx": write_onnx, "mxnet": write_mxnet}[chosen.format]
            write(load_network(run, config.hardware, runs.own), folder)
    print(f"run {run.run_id[:8]} as {chosen.format}: {chosen.folder}")
    return 0


def _parser() -> Parser:
    parser = Parser(
        "catdog export",
        description="Write a run's network for other programs: an ONNX file, MXNet's symbol and parameters, or the "
        "MLflow model that needs neither MXNet nor this program. KEY=VALUE changes the config.",
    )
    parser.add_argument("run", metavar="RUN", help=HOW)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a new or an empty folder")
    parser.add_argument("--format", required=True, choices=["onnx", "mxnet", "pyfunc"], help="what to write")
    return parser
