"""Where configs are searched."""

from __future__ import annotations

from pathlib import Path


def conf_folders() -> list[Path]:
    """The folders that configs are searched in, first to last: the user's own `./conf`, then the package's."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "conf"  # in a wheel; in a checkout it stands beside the package
    shipped = shipped if shipped.is_dir() else package.parent / "conf"
    own = Path.cwd() / "conf"
    return [own, shipped] if own.is_dir() and not own.samefile(shipped) else [shipped]


def groups() -> dict[str, dict[str, Path]]:
    """The file of each choice of each group, sorted; what only other files of a group are made of is no choice."""
    found: dict[str, dict[str, Path]] = {}
    for folder in conf_folders():
        for file in folder.rglob("*.yaml"):
            group = file.parent.relative_to(folder).as_posix()
            if group != "." and not group.startswith("hydra") and file.stem != "base":
                found.setdefault(group, {}).setdefault(file.stem, file)
    return {group: dict(sorted(choices.items())) for group, choices in sorted(found.items())}
