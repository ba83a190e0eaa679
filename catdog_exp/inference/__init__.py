"""Checkpoints to predictions, evaluations and exported models."""
