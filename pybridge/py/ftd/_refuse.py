"""Refuses what would copy, replace, gut or end the daemon's process."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable

import ftd
from ftd import _hooks

# os.spawn*, os.popen and subprocess do not come through these and stay usable.
_OS = ("fork", "forkpty", "execv", "execve", "abort", "_exit", "closerange")
# Timers end in a signal that the Go runtime takes, so they would never ring.
_SIGNAL = ("alarm", "setitimer")


def start() -> None:
    """Replace the functions, once."""
    for module, names in ((os, _OS), (signal, _SIGNAL)):
        for name in names:
            setattr(module, name, _refuser(f"{module.__name__}.{name}"))
    signal.signal = _signal
    _hooks.after("multiprocessing.popen_fork", _no_fork)


def _no_fork(popen_fork: Any) -> None:
    """Refuse before the pipes for the child are made, which nobody would close."""
    popen_fork.Popen._launch = _refuser("a process forked by multiprocessing")


def _refuser(what: str) -> Callable[..., Any]:
    def refused(*_args: Any, **_kwargs: Any) -> Any:
        raise ftd.IsolationRequired(what)

    return refused


def _signal(signalnum: Any, handler: Any) -> Any:
    """Refuse another handler; that what is set stays set is what restoring one asks for."""
    if handler != signal.getsignal(signalnum):
        raise ftd.HandlerRefused(f"signal.signal({signalnum})")
    return handler
