"""Whether a tracking server is there."""

from __future__ import annotations

from urllib.parse import quote

from catdog_exp.errors import UserError
from catdog_exp.tracking.store_errors import meaning
from catdog_exp.tracking.uris import is_server, without_password

SERVER_TIMEOUT = 5  # seconds until a server that does not answer at the start is given up
QUESTION = "/api/2.0/mlflow/experiments/get-by-name?experiment_name="


class Away(UserError):
    """The server does not answer now."""


def check_server(uri: str, experiment: str = "Default") -> None:
    """Raise UserError when `uri` is a server's and no MLflow answers there within seconds (Away); other URIs pass.

    It is asked for the experiment, as by every run: a login page, or a proxy before it, may answer to all else.
    """
    if not is_server(uri):
        return
    from mlflow.exceptions import MlflowException
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    shown = f"tracking.uri={without_password(uri)}"
    try:
        server = get_default_host_creds(uri)  # type: ignore[no-untyped-call]
        answer = http_request(  # type: ignore[no-untyped-call]
            server,
            QUESTION + quote(experiment),
            "GET",
            max_retries=0,
            timeout=SERVER_TIMEOUT,
            raise_on_status=False,
        )
    except MlflowException:
        raise Away(
            f"{shown}: no MLflow server answers there; start it, or log to a file with tracking.uri=sqlite:///FILE.db"
        ) from None
    try:
        said = answer.json()
    except ValueError:
        said = None
    if isinstance(said, dict) and {"experiment", "error_code"} & set(said) and answer.status_code not in (401, 403):
        return
    problem = meaning(f"error code {answer.status_code}")
    if problem is None and answer.status_code < 500:
        problem = meaning("<html")
    kind = UserError if problem else Away
    raise kind(f"{shown}: {problem or 'the server fails'} (its answer: {answer.status_code} {answer.reason})")
