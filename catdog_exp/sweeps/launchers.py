"""What Hydra's launchers for clusters need besides their configs in conf/hydra/launcher/."""

from __future__ import annotations

import os
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf


def prepare(launcher: DictConfig) -> None:
    """Get ready for a sweep through `launcher`, the config hydra.launcher: connect to Ray where it goes by Ray.

    The launcher itself would do so too, but leave the command deaf to SIGTERM's own meaning, tell Ray's makers of it,
    and wait for minutes for a cluster that is not there. Raises UserError where there is no such cluster.
    """
    if str(launcher._target_).endswith(".RayLauncher"):
        from catdog_exp.pictures.packing_on_ray import LOCAL, connect

        settings = cast("dict[str, Any]", OmegaConf.to_container(launcher.ray.init, resolve=True))
        connect(settings.pop("address") or os.environ.get("RAY_ADDRESS") or LOCAL, settings)
