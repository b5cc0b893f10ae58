"""What every Python process of a training runs first: it lets ftd ask for stacks.

It also gives the workers of msrun the log level that is theirs, where msrun
itself was given another one.

On SIGUSR1 the process writes the stacks of all its threads into the file
PID.txt in the directory FTD_STACKS, from C and without the interpreter's lock:
so it answers even while it hangs. A sitecustomize that the environment has of
its own is run as well.
"""

import atexit
import faulthandler
import importlib.machinery
import importlib.util
import os
import signal
import sys


def answer(directory: str) -> None:
    """Register for stacks; a process that cannot is none the worse for it."""
    path = os.path.join(directory, f"{os.getpid()}.txt")
    try:
        # Kept open: the handler writes to its descriptor.
        file = open(path, "w", encoding="utf-8")  # noqa: SIM115
        faulthandler.register(signal.SIGUSR1, file=file, all_threads=True)
    except (OSError, RuntimeError, ValueError):
        return
    atexit.register(tidy, path, os.getpid())


def tidy(path: str, pid: int) -> None:
    """Remove a file that was never written to; not that of a parent."""
    try:
        if os.getpid() == pid and os.path.getsize(path) == 0:
            os.remove(path)
    except OSError:
        pass


def own_glog() -> None:
    """Set what MindSpore's logger is to do in a worker or the scheduler."""
    if "MS_ROLE" not in os.environ:  # msrun, which sets it
        return
    for entry in os.environ.pop("FTD_WORKERS_GLOG", "").split():
        name, _, value = entry.partition("=")
        os.environ[name] = value


def go_on() -> None:
    """Run the sitecustomize that this one stands before, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [path for path in sys.path if os.path.abspath(path) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules["sitecustomize"] = module
    spec.loader.exec_module(module)


if os.environ.get("FTD_STACKS"):
    answer(os.environ["FTD_STACKS"])
own_glog()
go_on()
