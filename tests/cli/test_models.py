"""`catdog export`, `register` and `serve`: a run's network for others, and by its name."""

import base64
import json
import shutil
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from catdog_exp.commands import export, register, serve
from catdog_exp.errors import UserError
from tests.cli.conftest import SMALL
from tests.cli.store import client, runs


@pytest.mark.slow
def test_a_network_is_exported_registered_and_promoted(finished, tmp_path, catdog, monkeypatch, capsys):
    folder = shutil.copytree(finished[0], tmp_path / "folder")
    monkeypatch.chdir(folder)
    (run,) = runs(folder)
    for kind in ("onnx", "mxnet", "pyfunc"):
        assert export.main(["last", kind, "--format", kind]) == 0
    network, in_model = Path("onnx/network.onnx"), Path("pyfunc/artifacts/network.onnx")
    assert network.read_bytes() == in_model.read_bytes()
    assert Path("mxnet/network-0000.params").is_file()
    assert Path("pyfunc/MLmodel").is_file()
    for command, words, told in (
        (export, ["last", "onnx", "--format", "onnx"], "onnx: this is there already"),
        (export, ["last", "new", "--format", "torch"], "invalid choice: 'torch'"),
        (register, ["last", "--name", "a/b"], "nvalid"),
        (register, ["nosuch"], "run nosuch: there is none"),
        (serve, ["last", "--workers", "0"], "give 1 to 256"),
    ):
        with pytest.raises(UserError, match=told) as raised:
            command.main(words)
        assert "\n" not in str(raised.value)
    assert not Path("new").exists()

    capsys.readouterr()
    assert register.main([run.info.run_id[:8], "--alias", "first"]) == 0
    assert capsys.readouterr().out == f"run {run.info.run_id[:8]} is models:/catdog@first, version 1\n"
    done = catdog(*SMALL, "tracking.promote=true", cwd=folder)
    assert "is models:/catdog@champion now, version 1" in done.stdout, done.stderr
    assert [version.run_id for version in client(folder).search_model_versions()] == [run.info.run_id]


def ask(url: str, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
    """The status of an answer, and the answer."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": kind}), timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.mark.service
def test_a_server_answers_as_its_line_says_refuses_the_rest_and_ends_whole(finished, tmp_path, begin):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = begin("serve", "last", "--port", port, cwd=finished[0], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}/invocations"
    assert url in server.stdout.readline()
    line = server.stdout.readline()
    picture: Path = next(finished[0].rglob("*.jpg"))
    shutil.copy(picture, tmp_path / "PICTURE.jpg")
    answer = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True).stdout
    (answered,) = json.loads(answer)["predictions"]
    assert answered["label"] in ("cat", "dog")
    assert answered["p_cat"] + answered["p_dog"] == pytest.approx(1)

    text = base64.b64encode(picture.read_bytes()).decode()
    good = json.dumps({"inputs": [text, text]}).encode()
    bad = [
        b"",
        b'{"inputs": [',
        b"[]",
        b'{"inputs": []}',
        b'{"inputs": ["bm8gcGljdHVyZQ=="]}',
        json.dumps({"inputs": [str(picture)]}).encode(),
        json.dumps({"inputs": [text[: len(text) // 8 * 4]]}).encode(),
        b'{"inputs": ["' + bytes(50_000_000).replace(b"\0", b"A") + b'"]}',
    ]
    assert [ask(url, body)[0] // 100 for body in bad] == [4] * len(bad)
    assert ask(url, picture.read_bytes(), "image/jpeg")[0] == 415
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(url, good), range(12)))
    assert {status for status, _ in answers} == {200}
    assert len({body for _, body in answers}) == 1
    assert json.loads(answers[0][1])["predictions"] == [answered, answered]

    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    assert len(family) > 1
    server.send_signal(signal.SIGINT)
    assert server.wait(60) == 0
    assert psutil.wait_procs(family, 20)[1] == []
