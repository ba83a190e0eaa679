"""What the fork server of a sweep imports, once for all its jobs: everything that is slow.

MXNet too, where there is no GPU that its import would claim for the server: it stops its threads before each fork, and
starts new ones in the child.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import signal

from catdog_exp.collection import uncollected
from catdog_exp.data import kernels
from catdog_exp.gpus import visible_gpus
from catdog_exp.tracking.preparing import prepare_mlflow

SLOW = (
    "mlflow.store.tracking.sqlalchemy_store",
    "sqlalchemy.dialects.sqlite",
    "catdog_exp.experiment.stages.evaluate",
    "catdog_exp.experiment.stages.pack",
    "catdog_exp.experiment.stages.train",
    "catdog_exp.plots.sheet",
    "catdog_exp.sweeps.child",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "onnx.compose",  # not ONNX Runtime, which starts a thread
)

PR_SET_PDEATHSIG = 1  # of linux/prctl.h
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a sweep without work is over before all is imported
prepare_mlflow()
with uncollected():
    for name in SLOW if visible_gpus() else (*SLOW, "catdog_exp.mx"):
        importlib.import_module(name)
    kernels.load()
gc.freeze()  # else the first collection in a job copies all of this memory
