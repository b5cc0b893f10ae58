"""Carries ``ftd.progress`` to the listener of the running call, as JSON lines."""

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

import ftd

_INTERVAL = 0.1  # seconds between two lines; a person sees no more
_MOST = 2**63 - 1  # an int64 of Go

_fd = -1
_sent = 0.0
_held: tuple[int, int, str] | None = None


def enter(fd: int) -> None:
    """Listen for the duration of a call; -1 means that nobody wants to hear."""
    global _fd, _sent
    if fd >= 0:
        _fd, _sent = fd, 0.0
        ftd._listener = _heard


def leave() -> None:
    """Send what was held back and stop listening."""
    global _fd, _held
    ftd._listener = None
    if _held is not None:
        _send(*_held)
    _fd, _held = -1, None


def _heard(done: int, total: int, note: str) -> None:
    global _sent, _held
    done, total = _number(done), _number(total)
    now = time.monotonic()
    if now - _sent < _INTERVAL and done != total:
        _held = (done, total, note)
        return
    _sent, _held = now, None
    _send(done, total, note)


def _send(done: int, total: int, note: str) -> None:
    # Cut so that one write is one line: a pipe keeps up to 4096 bytes together,
    # and one character is up to twelve of them.
    line = {"done": done, "total": total, "note": str(note)[:300]}
    # Full, or nobody listens any more: progress is not worth an error.
    with contextlib.suppress(OSError):
        os.write(_fd, json.dumps({"progress": line}).encode() + b"\n")


def _number(value: Any) -> int:
    """Return what Go can read; what is no number is an error where it was said."""
    return max(-_MOST, min(int(value), _MOST))
