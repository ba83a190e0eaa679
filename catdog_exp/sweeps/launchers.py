"""What Hydra's launchers for clusters need besides their configs in conf/hydra/launcher/."""

from __future__ import annotations

import os
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from catdog_exp.sweeps.passwords import VARIABLE


def prepare(launcher: DictConfig) -> None:
    """Get ready for a sweep through `launcher`, the config hydra.launcher: start what it would start at a bad time.

    Ray: the launcher itself would connect too, but leave the command deaf to SIGTERM's own meaning, tell Ray's makers
    of it, and wait for minutes for a cluster that is not there. Joblib: its helpers unblock signals once they are
    started, which the sweep blocks for the workers' sake. Raises UserError where there is no such cluster.
    """
    if str(launcher._target_).endswith(".JoblibLauncher"):
        from multiprocessing import resource_tracker as python_s

        from joblib.externals.loky.backend import resource_tracker as joblib_s

        for tracker in (python_s, joblib_s):
            tracker.ensure_running()
    if str(launcher._target_).endswith(".RayLauncher"):
        from catdog_exp.packs.ray import LOCAL, connect

        settings = cast("dict[str, Any]", OmegaConf.to_container(launcher.ray.init, resolve=True))
        if VARIABLE in os.environ:  # which the cluster's other machines do not have
            environment = settings.setdefault("runtime_env", {}).setdefault("env_vars", {})
            environment[VARIABLE] = os.environ[VARIABLE]
        connect(settings.pop("address") or os.environ.get("RAY_ADDRESS") or LOCAL, settings)
