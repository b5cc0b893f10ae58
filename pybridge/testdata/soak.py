"""What the soak test asks for: each function does one thing that steps do."""

import ctypes
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time

import ftd


def add(a, b):
    return a + b


def echo(value):
    return value


def fail(depth):
    if depth:
        return fail(depth - 1)
    try:
        raise KeyError("row")
    except KeyError as cause:
        raise ValueError("no such row") from cause


def loop():
    print("looping", flush=True)
    while True:
        json.dumps(list(range(100)))


def hold(path, milliseconds):
    """Stay in C and keep the GIL, so that a cancel finds nobody."""
    print("holding", flush=True)
    ctypes.PyDLL(path).hold(milliseconds)


def flood(lines):
    line = "x" * 1023
    for _ in range(lines):
        print(line)
    os.write(2, b"\xff\n" * 100)


def rows(total):
    for n in range(total):
        ftd.progress(n + 1, total, "rows")


def threads():
    done = []
    started = [threading.Thread(target=done.append, args=(n,)) for n in range(4)]
    started.append(threading.Thread(target=sys.exit, args=(3,)))
    for t in started:
        t.start()
    for t in started:
        t.join()
    return len(done)


def children():
    ends = [subprocess.call(["sh", "-c", f"exit {n}"]) for n in (0, 3)]
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        ends.append(-1)
    return ends


def disturb(path):
    """Take the signals, the directory and the variables, as libraries do."""
    library = ctypes.CDLL(path)
    for number in (2, 15, 17):
        library.install(number)
        library.save_and_restore(number)
    os.chdir("/")
    os.umask(0o777)
    os.environ["FTD_SOAK"] = "x" * 1000
    sys.path.append("/nowhere")
    sys.stdout.close()


def suicide(number):
    os.kill(os.getpid(), number)
    while True:
        time.sleep(0.01)


def crash():
    print("last words", flush=True)
    ctypes.string_at(0)


def vanish(status):
    os._exit(status)


def fork():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(abs, [-1, -2])


def pipeline():
    import mindspore.dataset as ds
    import numpy as np

    data = ds.NumpySlicesDataset(np.arange(64), shuffle=False)
    data = data.map(lambda x: x * x, num_parallel_workers=2)
    return int(sum(row[0] for row in data.create_tuple_iterator(num_epochs=1, output_numpy=True)))


def settle():
    """Give back what can be given back, before somebody measures."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    # Python keeps a record of each thread that it did not start, until its
    # number comes up again.
    return sum(not isinstance(t, threading._DummyThread) for t in threading.enumerate())
