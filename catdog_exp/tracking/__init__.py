"""All that knows MLflow."""
