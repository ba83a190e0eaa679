"""The stages of a run, a module each: what it makes, shows and logs."""
