"""Whether a tracking server is there."""

from __future__ import annotations

from catdog_exp.errors import UserError
from catdog_exp.tracking.uris import is_server, without_password

SERVER_TIMEOUT = 5  # seconds until a server that does not answer at the start is given up


def check_server(uri: str) -> None:
    """Raise UserError when `uri` is a server's and none answers there within seconds; other URIs pass."""
    if not is_server(uri):
        return
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    try:
        server = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        answer = http_request(  # type: ignore[no-untyped-call]
            server,
            "/health",
            "GET",
            max_retries=0,
            timeout=SERVER_TIMEOUT,
            raise_on_status=False,
        )
    except MlflowException:
        raise UserError(
            f"tracking.uri={without_password(uri)}: no MLflow server answers there; start it, "
            "or log to a file with tracking.uri=sqlite:///FILE.db"
        ) from None
    if answer.status_code >= 500:
        raise UserError(f"tracking.uri={without_password(uri)}: the server answers with error {answer.status_code}")
