"""What code that runs under ftd may use.

>>> import ftd
>>> ftd.progress(10, 200, "rows")

Outside of ftd the same call does nothing, so a script needs no condition.
"""

from __future__ import annotations

import pkgutil
from typing import Callable

# Other parts of ftd bring modules of their own in other directories.
__path__ = pkgutil.extend_path(__path__, __name__)

__all__ = ["HandlerRefused", "IsolationRequired", "progress"]


class IsolationRequired(RuntimeError):
    """What was asked for cannot be done inside the daemon's own process."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is refused inside the daemon, a running Go process that it would copy, break "
            "or end; run this step with isolation: worker"
        )


class HandlerRefused(IsolationRequired, ValueError):
    """A signal handler that was not installed.

    A ValueError too, which is what `signal.signal` raises outside of the main
    thread: libraries that can do without their handler expect it, and go on.
    """


_listener: Callable[[int, int, str], None] | None = None


def progress(done: int, total: int = 0, note: str = "") -> None:
    """Say that ``done`` of ``total`` is finished; 0 means that the total is unknown.

    Cheap enough for every row: what comes too fast for a person is dropped,
    the last one is not.
    """
    if _listener is not None:
        _listener(done, total, note)
