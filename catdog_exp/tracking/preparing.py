"""How MLflow is to behave within this program: its variables, which it reads when it is imported."""

from __future__ import annotations

import os


def prepare_mlflow() -> None:
    """Tell MLflow, before its import, to send no usage data, to keep the console clean, to ask for what is on this
    machine without a proxy, and not to wait for minutes where a server is away.

    What fails reaches the user as an exception all the same. What the user has set stays.
    """
    direct = "localhost,127.0.0.1,::1"
    for name in ("no_proxy", "NO_PROXY"):
        given = os.environ.get(name, "")
        if not given.endswith(direct):
            os.environ[name] = f"{given},{direct}".strip(",")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "CRITICAL")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
