"""Batches and a network to checkpoints."""
