"""The commands beside a run, a module each: `main(words)` takes the words after the verb, returns the exit code."""
