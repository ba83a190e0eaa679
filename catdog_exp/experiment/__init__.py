"""One run: its plan, its stages in order, under one MLflow run."""
