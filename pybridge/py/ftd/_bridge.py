"""The Python side of the bridge: one call is enter, run, leave.

Go calls the three in this order, on the interpreter's own thread. Only ``run``
can be cancelled, so that ``enter`` and ``leave`` are never cut short and the
surroundings are always put back.
"""

from __future__ import annotations

import faulthandler
import functools
import importlib
import json
import os
import runpy
import sys
import threading
from typing import Any

from ftd import _device, _encode, _order, _progress, _refuse, _report, _surroundings


class Cancelled(KeyboardInterrupt):
    """Raised in the running code from outside when its call is cancelled."""


# What Go asked for; see ``header`` in wire.go.
_call: dict[str, Any] = {}


@functools.lru_cache(maxsize=16)
def _decode(header: bytes) -> dict[str, Any]:
    """Read what Go asked for. Often it is the same function again; nobody changes the answer."""
    decoded: dict[str, Any] = json.loads(header.decode())
    return decoded


def start(config: bytes) -> bytes:
    """Prepare the interpreter, once, and tell what it is."""
    settings = json.loads(config)
    _surroundings.start()
    _device.start(pinned=not settings["device"])
    _order.start()
    if settings["worker"]:
        # It may crash, and then tells where; the daemon's signals are Go's.
        faulthandler.enable(file=2, all_threads=True)
    else:
        _refuse.start()
    facts = {
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "program": sys.executable,
        "prefix": sys.prefix,
        "path": [p for p in sys.path if isinstance(p, str)],
    }
    return json.dumps(facts).encode()


def enter(text: bytes) -> bytes | None:
    """Set up the surroundings of a call; returns an error or None."""
    global _call
    try:
        _call = _decode(text)
        _surroundings.enter(_call)
        _progress.enter(_call["progress_fd"])
    except Exception as error:
        return _report.describe(error)
    return None


def run(args: bytes) -> bytes:
    """Run what was asked for; the first byte of the answer says what it is.

    R result, E exception, X exit code.
    """
    call = _call
    try:
        if "script" in call:
            return _script(call)
        if "imports" in call:
            return _imports(call["imports"])
        return b"R" + _function(call, args)
    except SystemExit as exit:
        return b"X" + json.dumps(_report.exit_code(exit)).encode()
    except BaseException as error:
        _report.show(error)
        return b"E" + _report.describe(error)


def leave() -> None:
    """Put everything back as it was before ``enter``."""
    global _call
    _call = {}
    try:
        _progress.leave()
    finally:
        _surroundings.leave()


def _function(call: dict[str, Any], args: bytes) -> bytes:
    positional, keywords = _arguments(args)
    module = call.get("module", "")
    target: Any = sys.modules.get(module)
    if target is None:
        target = importlib.import_module(module)
    for name in call.get("function", "").split("."):
        target = getattr(target, name)
    return _encode.encode(target(*positional, **keywords))


def _arguments(args: bytes) -> tuple[list[Any], dict[str, Any]]:
    if not args:
        return [], {}
    try:
        decoded = json.loads(args.decode())
    except ValueError as error:
        raise ValueError(f"the arguments are not JSON: {error}") from None
    if isinstance(decoded, list):
        return decoded, {}
    if isinstance(decoded, dict):
        return [], decoded
    raise TypeError("the arguments must be a JSON array or object")


def _imports(names: list[str]) -> bytes:
    for name in names:
        importlib.import_module(name)
    return b"Rnull"


def _script(call: dict[str, Any]) -> bytes:
    script = call["script"]
    path = os.path.abspath(script)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no script {path}")
    sys.argv[:] = [script, *call.get("argv", ())]
    sys.path.insert(0, os.path.dirname(path))
    before = set(threading.enumerate())
    runpy.run_path(path, run_name="__main__")
    # As at the end of a python process: threads that are not daemons end first.
    # Waiting in short turns, since a cancel is noticed between them only.
    for thread in threading.enumerate():
        while thread not in before and not thread.daemon and thread.is_alive():
            thread.join(0.2)
    return b"X" + json.dumps({"code": 0, "message": ""}).encode()
