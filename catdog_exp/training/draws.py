"""The seeds of what MXNet draws in a training, as for dropout: each part of an epoch has its own."""

from __future__ import annotations

import numpy as np

from catdog_exp.mx import mx

# Batches after which MXNet's generator is seeded anew: only there can a training stop and go on exactly.
SEEDED = 50


def seed_draws(seed: int, epoch: int, part: int, rank: int) -> None:
    """Seed MXNet's generator for a part of an epoch, so that no draw depends on what drew before.

    The seed is apart from those of other epochs, workers and neighbouring seeds.
    """
    worker = (rank,) if rank else ()
    mx.random.seed(int(np.random.SeedSequence((seed, epoch, part), spawn_key=worker).generate_state(1)[0] >> 1))
