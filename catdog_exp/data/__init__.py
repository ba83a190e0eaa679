"""Packs to batches: decoded once, then augmented."""
