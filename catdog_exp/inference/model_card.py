"""What a network is, how good it is, and what it is not for: the page that goes with it."""

from __future__ import annotations

import json
from collections.abc import Mapping

from catdog_exp.sources.finding import some
from catdog_exp.training.checkpoint import Checkpoint, as_config

FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "loss", "ece", "roc_auc", "pictures")
SIDES = {"best": "validation", "test": "test"}  # by the beginning of a metric's name


def model_card(checkpoint: Checkpoint, run_id: str, pictures: str, figures: Mapping[str, float]) -> str:
    """A Markdown page about the network of a run.

    pictures: which it was trained on, for people. figures: the run's metrics by name; those of an evaluation are told.
    """
    classes = some(checkpoint.classes)
    learned = checkpoint.pictures
    count = f"{len(learned.digests):,} pictures"
    if not learned.complete:
        count += ", and others that the weights it started from had learned from, which are not known"
    network = as_config(checkpoint.network)
    kind = str(network.pop("_target_")).rpartition(".")[2]
    return f"""# {kind}: {classes}

A convolutional network that tells pictures apart: {classes}. Trained by catdog_exp, MLflow run `{run_id}`.

## Use

```python
import mlflow

model = mlflow.pyfunc.load_model(FOLDER)  # or models:/NAME@ALIAS
model.predict(["picture.jpg"])
```

Each picture is a path, the bytes of a file, those in Base64, or pixels (uint8, RGB, height × width × 3; give these as a
pandas.Series). Each answer is a `label`, its `probability`, and `p_<class>` for each class. Of a picture it sees the
middle square, shrunk to {checkpoint.size} × {checkpoint.size} pixels. It needs the packages in `requirements.txt`.

`artifacts/network.onnx` is the network alone: `pixels` (N, 3, {checkpoint.size}, {checkpoint.size}), float32, RGB in
0..255, to `logits` and `probabilities` (N, {len(checkpoint.classes)}).

## Figures

{_table(figures)}

The epoch was chosen on the validation pictures, so their figures flatter a little; those of test pictures do not.
Its probabilities are off by `ece` in the mean (expected calibration error).

## Data and training

- Learned from {count}: {pictures}
- Network: `{kind}` with {json.dumps(network)}, at {checkpoint.size} pixels
- Epoch {checkpoint.epoch}, the best by {checkpoint.objective}; seed {checkpoint.seed}

## Intended use, and limits

- For pictures like those that it learned from, with one of the classes in the middle.
- It has no answer but {classes}: what shows none of them, or several, gets one of these labels all the same.
- What is rare among its pictures it may well get wrong, and be sure of: look at the run's worst mistakes.
- Not for decisions about people, or where a mistake does harm.
"""


def _table(figures: Mapping[str, float]) -> str:
    sides = [side for side in SIDES if f"{side}/accuracy" in figures]
    if not sides:
        return "It has not been evaluated."
    rows = [["", *(SIDES[side] for side in sides)], ["---"] * (1 + len(sides))]
    for name in FIGURES:
        values = [figures.get(f"{side}/{name}") for side in sides]
        if any(value is not None for value in values):
            rows.append([name, *("" if value is None else f"{value:.4g}" for value in values)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
