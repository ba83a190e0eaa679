"""All that knows many runs."""
