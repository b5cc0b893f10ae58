"""What a call may change around itself, and putting it back afterwards."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
import sys
import threading
import warnings
from typing import Any

from ftd import _device, _logfiles


class _Before:
    """The state of the interpreter when a call began."""

    def __init__(self) -> None:
        # The raw dictionary: copying and comparing it costs a microsecond,
        # the decoding one of os.environ a hundred.
        self.environ_object = os.environ
        self.environ: dict[bytes, bytes] = os.environ._data.copy()  # type: ignore[attr-defined]
        self.path_object, self.path = sys.path, sys.path[:]
        self.argv_object, self.argv = sys.argv, sys.argv[:]
        self.filters_object, self.filters = warnings.filters, warnings.filters[:]
        self.showwarning = warnings.showwarning
        self.recursion = sys.getrecursionlimit()
        self.excepthook = sys.excepthook
        self.gc = gc.isenabled()
        self.folder = ""


_before: _Before | None = None
_environb = os.environb  # os.environ by its bytes
_home = -1  # the directory between calls
_umask = 0  # the umask between calls
_streams: tuple[Any, Any] = (None, None)  # sys.stdout and sys.stderr between calls


def start() -> None:
    """Make the streams fit for a log file that a person reads meanwhile."""
    global _home, _umask
    _home = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    _umask = os.umask(0)
    os.umask(_umask)
    sys.argv = [""]
    sys.stdin = sys.__stdin__ = open(os.devnull)  # type: ignore[misc]  # noqa: SIM115
    _open_streams()


def _open_streams() -> None:
    """Bind sys.stdout and sys.stderr to descriptors 1 and 2, not owning them.

    Lines arrive as they are printed, in the order of both streams and of what
    C++ writes beside them; a character that has no UTF-8 is no error.
    """
    global _streams
    for name, fd in (("stdout", 1), ("stderr", 2)):
        current = getattr(sys, "__" + name + "__", None)
        if current is None or current.closed or getattr(current, "_of_ftd", None) is None:
            current = io.TextIOWrapper(
                io.FileIO(fd, "w", closefd=False),
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=True,
                write_through=True,
            )
            current._of_ftd = True  # type: ignore[attr-defined]
            setattr(sys, "__" + name + "__", current)
        setattr(sys, name, current)
    _streams = sys.stdout, sys.stderr


def _settle_streams() -> None:
    """Flush what a call wrote, and bind the streams again if it replaced or closed them."""
    out, err = _streams
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        if sys.stdout is sys.__stdout__ is out and sys.stderr is sys.__stderr__ is err:
            return
    except BaseException:
        pass
    for name in ("stdout", "stderr"):
        # Closed, deleted, or replaced by what cannot, or by what raises anything.
        with contextlib.suppress(BaseException):
            getattr(sys, name).flush()
    _open_streams()


def enter(header: dict[str, Any]) -> None:
    """Remember what is, then set up what the call asks for."""
    global _before
    _before = _Before()
    env = header.get("env")
    if env:
        os.environ.update(env)
        _device.hide()
    folder = header.get("dir")
    if folder:
        os.chdir(folder)
        _before.folder = os.getcwd()
        _logfiles.enter(_before.folder)
    path = header.get("path")
    if path:
        sys.path[:0] = path
        # A file written since the last call must be found.
        importlib.invalidate_caches()


def leave() -> None:
    """Put back what was remembered.

    Whatever a call may have replaced or deleted is assigned and never read
    first: an error here would leave the rest to all calls after it.
    """
    global _before
    before = _before
    if before is None:
        return
    _before = None
    _settle_streams()
    os.environ, os.environb = before.environ_object, _environb
    if os.environ._data != before.environ:  # type: ignore[attr-defined]
        _restore_environ(before.environ)
    os.fchdir(_home)
    os.umask(_umask)
    sys.path, sys.path[:] = before.path_object, before.path
    before.path_object[:] = before.path
    sys.argv = before.argv_object
    sys.argv[:] = before.argv
    filters = getattr(warnings, "filters", None)
    warnings.filters = before.filters_object
    if filters is not before.filters_object or filters != before.filters:
        warnings.filters[:] = before.filters  # type: ignore[index]
        warnings._filters_mutated()  # type: ignore[attr-defined]
    warnings.showwarning = before.showwarning
    sys.excepthook = before.excepthook
    if sys.getrecursionlimit() != before.recursion:
        sys.setrecursionlimit(before.recursion)
    sys.settrace(None)
    sys.setprofile(None)
    threading.settrace(None)
    threading.setprofile(None)
    (gc.enable if before.gc else gc.disable)()
    if before.folder:
        _logfiles.leave(before.folder)


def _restore_environ(wanted: dict[bytes, bytes]) -> None:
    current: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    gone: list[bytes] = [key for key in current if key not in wanted]
    # Through os.environb, so that C code sees the change as well.
    for key in gone:
        del _environb[key]
    for key, value in wanted.items():
        if current.get(key) != value:
            _environb[key] = value
