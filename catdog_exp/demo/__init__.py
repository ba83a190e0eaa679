"""A page to drop pictures on: each gets a label, a probability and a heat map from a run's network."""
