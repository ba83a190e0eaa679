"""A network of a user's own whose jobs come to grief as a file beside it says."""

SOURCE = """
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from catdog_exp.networks.cnn import Cnn


@dataclass(frozen=True)
class Troubled(Cnn):
    trouble: int = 0

    def build(self, size, classes):
        what = json.loads(Path("trouble.json").read_text()).get(str(self.trouble))
        if what == "raise":
            raise ValueError("this network is troubled")
        if what == "abort":
            os.abort()
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        while what == "hang":
            time.sleep(1)
        return super().build(size, classes)
"""
MODEL = ["model._target_=troubled.Troubled"]
