"""What MLflow keeps of texts and takes at once, and which tags its pages do not show."""

from __future__ import annotations

# In characters; of a parameter and of a tag MLflow's own limit.
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
HIDDEN = "mlflow.catdog."  # how the tags begin that the program alone needs: MLflow's pages show none of its own
ERROR_LENGTH = 500  # of the tag `error`
# Entries of one call: parameters or tags, and metrics.
BATCH, METRICS = 100, 1000


def cut(text: str, length: int) -> str:
    """`text`, where it is longer than `length` characters its start, which says so."""
    note = f"… (cut, {len(text)} characters)"
    return text if len(text) <= length else text[: length - len(note)] + note
