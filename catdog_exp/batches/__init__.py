"""A pack, decoded once, to augmented batches."""
