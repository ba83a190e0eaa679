"""The demo under load: simultaneous uploads on loopback for a minute, then bad uploads.

    uv run python benchmarks/demo.py [--clients 20] [--seconds 60] [--run RUN] [paths.outputs=DIR …]

Starts `catdog demo` on the store that the settings name. So many clients send one photograph-sized JPEG after the
other, and want the label, the square and the heat map; each answer must be the first one's to the last digit. Prints
answers per second, how long they took and what each took of the processor. Then each bad upload must get a message, and
the server must answer as before; prints the most memory that it has held.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from bad_uploads import coded, photograph, uploads

HEADERS = {"X-Catdog": "1", "Content-Type": "application/octet-stream"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--run", help="whose network is asked (default: as of `catdog demo`)")
    parser.add_argument("--port", type=int, default=5057)
    arguments, settings = parser.parse_known_args()
    which = ["--model", arguments.run] if arguments.run else []
    command = [Path(sys.executable).with_name("catdog"), "demo", "--port", str(arguments.port), *which, *settings]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        words = server.stdout.readline().split()
        address = urlsplit(next(word for word in words if word.startswith("http")))
        assert address.hostname is not None
        load(arguments, address.hostname, address.port or 80, server.pid)
    finally:
        begun = time.perf_counter()
        server.send_signal(signal.SIGINT)
        code = server.wait()
        print(f"Ctrl-C: ended with {code} in {time.perf_counter() - begun:.1f} s")


def load(arguments: argparse.Namespace, host: str, port: int, pid: int) -> None:
    connection = http.client.HTTPConnection(host, port, timeout=120)
    connection.request("GET", "/api/runs")
    runs = json.load(connection.getresponse())
    path = f"/api/runs/{runs['first']}/answers"
    jpeg, bad = coded("JPEG", photograph(500, 375)), uploads(runs["limits"]["bytes"])
    expected = ask(host, port, path, jpeg)
    assert expected[0] == 200, expected

    def client(_: int) -> list[float]:
        took = list[float]()
        last = time.perf_counter() + arguments.seconds
        while time.perf_counter() < last:
            start = time.perf_counter()
            assert ask(host, port, path, jpeg) == expected
            took.append(time.perf_counter() - start)
        return took

    start, busy = time.perf_counter(), _busy(pid)
    with ThreadPoolExecutor(arguments.clients) as pool:
        took = np.array([seconds for each in pool.map(client, range(arguments.clients)) for seconds in each]) * 1e3
    wall = time.perf_counter() - start
    each_takes = 1e3 * (_busy(pid) - busy) / len(took)
    p50, p99 = np.percentile(took, [50, 99])
    print(
        f"{arguments.clients} clients, {len(jpeg) / 1e3:.0f} kB each, {wall:.0f} s: {len(took):,} answers, no error, "
        f"{len(took) / wall:,.0f}/s; p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {took.max():.0f} ms; "
        f"the server computed {each_takes:.0f} ms for each "
        f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )
    for name, upload in bad.items():
        status, said = ask(host, port, path, upload.data)
        assert status == upload.status, (name, status, said)
        assert upload.said in said.get("error", ""), (name, said)
        print(f"  {name}: {status} {said.get('error') or said['label']}")
    assert ask(host, port, path, jpeg) == expected
    most = _peak(pid)
    print(f"{len(bad)} bad and odd uploads: each as it should be, and the server lives; it held {most:,.0f} MB at most")


def ask(host: str, port: int, path: str, body: bytes) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(host, port, timeout=120)
    try:
        connection.request("POST", path, body, HEADERS)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def _busy(pid: int) -> float:
    """Seconds that a process has computed."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _peak(pid: int) -> float:
    """The most memory that a process has held, MB; where the system does not tell, what it holds now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")]
    return (found[0] if found else psutil.Process(pid).memory_info().rss) / 1e6


if __name__ == "__main__":
    main()
