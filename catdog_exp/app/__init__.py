"""Hydra's entry: composing configs, resolvers, machine files, the line for a mistake in a config."""
