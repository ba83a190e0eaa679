"""The folders that Hydra's keys name: what others have made in them is never overwritten."""

from __future__ import annotations

from pathlib import Path, PurePath

from omegaconf import DictConfig, OmegaConf

from catdog_exp.errors import UserError
from catdog_exp.experiment.checks import check_folder
from catdog_exp.files import replacing
from catdog_exp.sweeps.composed import absolute

CONFIG = "config.yaml"  # a run's config in its folder: what is there beside the same one is the same run's
_SUBDIR = "${hydra.job.num}"
_NAMED = 3  # files in a line


def check_outputs(outputs: object) -> None:
    """Raise UserError where `paths.outputs` is no folder; Hydra's own lie in it, and would be named in its place."""
    if not outputs:
        raise UserError(f"paths.outputs={outputs!r}: name a folder")
    check_folder("paths.outputs", Path(absolute(outputs)))


def check_keys(hydra: DictConfig) -> None:
    """Make the folders of Hydra's config absolute. Raises UserError for keys that would put files elsewhere."""
    for part in ("launcher", "sweeper"):
        if not isinstance(hydra[part], DictConfig):
            raise UserError(f"hydra.{part}={hydra[part]}: choose it by its file, hydra/{part}=NAME")
    if hydra.job.chdir:
        raise UserError("hydra.job.chdir=true: paths are relative to where the command is started; leave it out")
    subdir = hydra.output_subdir
    if subdir is not None and (len(PurePath(subdir).parts) != 1 or subdir in ("..", "/")):
        raise UserError(f"hydra.output_subdir={subdir}: give one name, of a folder within the run's, or null for none")
    if OmegaConf.to_container(hydra.sweep, resolve=False)["subdir"] != _SUBDIR:  # type: ignore[call-overload,index]
        raise UserError("hydra.sweep.subdir: a sweep's jobs have folders by their numbers; leave it out")
    for section in ("run", "sweep"):
        key, folder = f"hydra.{section}.dir", hydra[section].dir
        if not folder:
            raise UserError(f"{key} is empty: name a folder, or leave it out")
        hydra[section].dir = absolute(str(folder), key)
        check_folder(key, Path(hydra[section].dir))


def take(folder: Path, content: str) -> None:
    """Make a run's folder, with its config in it. content: that config, as YAML.

    Raises UserError where there is anything but this very run in it.
    """
    config = folder / CONFIG
    if not (config.is_file() and config.read_bytes() == content.encode()):
        if there := sorted(file.name for file in folder.iterdir()) if folder.exists() else []:
            some = ", ".join(there[:_NAMED]) + (", …" if len(there) > _NAMED else "")
            raise UserError(f"hydra.run.dir={folder}: there is something else in it ({some}); name a new folder")
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(config) as aside:
            aside.write_text(content, encoding="utf-8")
