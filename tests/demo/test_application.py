"""What the demo's server answers, to whom, and what it refuses."""

import base64
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from benchmarks.bad_uploads import DECLARED, coded, photograph, uploads
from catdog_exp.demo.shown_runs import about, choices, start_run
from catdog_exp.demo.uploads import MOST_BYTES
from catdog_exp.errors import UserError
from catdog_exp.inference.pictures import PictureBytes, square
from catdog_exp.inference.trained_network import Runs
from catdog_exp.networks.cnn import Cnn
from tests.demo.conftest import RUN, SIZE
from tests.demo.serving import OWN, ask
from tests.tracking.starting import start_run as log_run

ANSWERS = f"/api/runs/{RUN}/answers"


def pixels(url: str) -> np.ndarray:
    """The picture in a data URL."""
    return cv2.imdecode(np.frombuffer(base64.b64decode(url.partition(",")[2]), np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_picture_gets_the_networks_answer_and_a_heat_map_whoever_else_asks(port, classifier):
    pictures = [coded("JPEG", np.roll(photograph(), 40 * number, axis=1)) for number in range(10)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda data: ask(port, "POST", ANSWERS, data), pictures * 2))
    for data, (status, said, _) in zip(pictures * 2, answers, strict=True):
        (expected,) = classifier.probabilities(square(PictureBytes("", data), SIZE)[np.newaxis])
        assert status == 200
        assert [said["probabilities"][name] for name in ("cat", "dog")] == pytest.approx(expected, abs=1e-5)
        assert said["label"] == max(said["probabilities"], key=said["probabilities"].get)
        assert pixels(said["square"]).shape == (384, 384, 3)
        heat = pixels(said["heat"])
        assert heat.shape == (SIZE, SIZE, 4)
        assert heat[..., 3].max() > 150
        assert said["heat_at"]


def test_bad_uploads_get_a_message_and_the_server_lives(port, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    every = uploads(MOST_BYTES)
    assert len(every) >= 40
    for name, upload in every.items():
        status, said, _ = ask(port, "POST", ANSWERS, upload.data)
        assert status == upload.status, (name, said)
        assert upload.said in said.get("error", ""), (name, said)
        assert "\n" not in said.get("error", ""), name
    with socket.create_connection(("127.0.0.1", port)) as line:  # no byte follows of those that are declared
        head = f"POST {ANSWERS} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Catdog: 1\r\nContent-Length: {DECLARED}\r\n\r\n"
        line.sendall(head.encode())
        assert line.recv(1000).startswith(b"HTTP/1.1 413")
    assert ask(port, "POST", ANSWERS, coded("JPEG"))[0] == 200
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Host": "evil.example.org"}, "name is not answered"),
        ({"Host": "127.0.0.1.evil.example.org"}, "name is not answered"),
        ({"Host": "127.0.0.1:80@evil.example.org"}, "name is not answered"),
        ({"Host": ""}, "name is not answered"),
        ({"Origin": "http://evil.example.org"}, "comes from another"),
        ({"Origin": "null"}, "comes from another"),
        ({"Origin": "http://127.0.0.1:1"}, "comes from another"),
        ({"Sec-Fetch-Site": "cross-site"}, "comes from another"),
        ({"Sec-Fetch-Site": "same-site"}, "comes from another"),
        ({"X-Catdog": None}, "header X-Catdog is missing"),
    ],
)
def test_other_names_and_other_pages_are_refused(port, headers, said):
    given = {key: value for key, value in {**OWN, **headers}.items() if value is not None}
    status, answer, _ = ask(port, "POST", ANSWERS, coded("JPEG"), given)
    assert (status, said in answer["error"]) == (403, True)
    if "Host" in headers:
        assert ask(port, "GET", "/", None, given)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5002", "Pets.Example.org:443"])
def test_its_own_names_and_its_own_page_are_answered(port, host):
    own = {**OWN, "Host": host, "Origin": f"https://{host}", "Sec-Fetch-Site": "same-origin"}
    assert ask(port, "POST", ANSWERS, coded("JPEG"), own)[0] == 200


def test_the_page_loads_nothing_from_elsewhere_and_no_other_page_may_frame_or_read_it(port):
    for path in ("/", "/demo.js", "/demo.css", "/icon.svg", "/api/runs", "/nowhere"):
        status, said, headers = ask(port, "GET", path, None, {})
        assert status == {"/api/runs": 404, "/nowhere": 404}.get(path, 200)  # there is no store
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers
        if isinstance(said, bytes):
            assert b"http" not in said.replace(b"http://www.w3.org/2000/svg", b"")  # which is the name of SVG


def test_what_is_no_runs_id_and_other_methods_are_refused(port):
    for run in ("last", "x" * 32, "..%2f..", RUN[:8]):
        assert ask(port, "GET", f"/api/runs/{run}")[0] == 404
        assert ask(port, "POST", f"/api/runs/{run}/answers", coded("JPEG"))[0] == 404
    assert ask(port, "GET", ANSWERS)[0] == 405
    assert ask(port, "OPTIONS", ANSWERS)[0] == 405


def test_runs_are_listed_the_best_first_with_their_figures(ready, tmp_path):
    checkpoint = tmp_path / "best.safetensors"
    checkpoint.write_text("weights")
    ids = {}
    for name, value in (("good", 0.8), ("best", 0.9), ("failed", 0.95), ("lost", float("nan"))):
        tags = {"objective": "val/accuracy", "pictures": "drawn"}
        try:
            with log_run(ready(), name, tags) as log:
                ids[name] = log.run_id
                log.params({"model": "cnn", "data.resize": 32})
                log.metrics({"objective": value, "best/accuracy": value, "best/pictures": 240.0}, step=0)
                log.metrics({"best/accuracy_low": 0.5, "best/accuracy_high": 1.0}, step=0)
                log.artifact(checkpoint, "checkpoints")
                if name == "failed":
                    raise RuntimeError
        except RuntimeError:
            pass
    runs = Runs(ready(), "val/accuracy", tmp_path, Cnn)
    assert [choice.name for choice in choices(runs)] == ["best", "good"]
    found, is_champion = start_run(runs, None)
    assert (found.run_id, is_champion) == (ids["best"], False)
    assert start_run(runs, "good")[0].run_id == ids["good"]
    told = about(runs, ids["best"], here=True)
    assert told["figures"]["Name"] == "best"
    assert told["figures"]["Accuracy on 240 validation pictures"] == "90.0 % (95 %: 50.0 to 100.0)"
    assert told["figures"]["Input"] == "32 × 32 pixels"
    assert told["page"] is None  # nobody serves MLflow's pages of this store
    with pytest.raises(UserError):
        about(runs, RUN, here=True)
