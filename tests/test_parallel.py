import signal
import subprocess
import sys
import threading
import time

import cv2
import pytest

from catdog_exp.parallel import chunks_in_order, in_order

# Prints a line when the work has begun. Work on one chunk would take 10 s.
SLOW = """
import time
from contextlib import closing
from catdog_exp.parallel import chunks_in_order

def work(item):
    if item == 0:
        print("begun", flush=True)
    time.sleep(0.1)

with closing(chunks_in_order(work, range(1000), threads=2, size=100)) as chunks:
    list(chunks)
"""


def test_chunks_hold_the_results_in_order():
    chunks = list(chunks_in_order(lambda number: -number, range(25), threads=3, size=10))
    assert chunks == [[-n for n in range(10)], [-n for n in range(10, 20)], [-n for n in range(20, 25)]]
    assert list(chunks_in_order(lambda number: number, [], threads=3, size=10)) == []


@pytest.mark.parametrize("size", [1, 7])
def test_only_a_few_chunks_are_taken_ahead(size: int):
    taken = []

    def items():
        for number in range(1000):
            taken.append(number)
            yield number

    results = chunks_in_order(lambda number: number * number, items(), threads=2, size=size)
    for chunk in range(10):
        assert next(results) == [number * number for number in range(chunk * size, (chunk + 1) * size)]
    assert len(taken) <= (10 + 4 * 2) * size
    results.close()


def test_no_thread_outlives_the_work_and_opencv_has_its_own_threads_back():
    cv2.setNumThreads(2)
    before = threading.active_count()

    def work(number: int) -> int:
        if number == 50:
            raise OSError("broken")
        return number

    results = in_order(work, range(1000), 4)
    with pytest.raises(OSError, match="broken"):
        list(results)
    assert threading.active_count() == before
    assert cv2.getNumThreads() == 2


def test_an_interrupt_ends_the_work_in_the_middle_of_a_chunk():
    process = subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    start = time.perf_counter()
    _, shown = process.communicate(timeout=30)
    assert time.perf_counter() - start < 5
    assert shown.rstrip().endswith("KeyboardInterrupt")
