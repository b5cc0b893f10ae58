"""Log files that a library opened in a step's directory follow the steps.

mindformers opens ``./output/log`` once, when it is imported. In an interpreter
that outlives the step, everything later would be written to the first step's
directory, which may have been renamed or removed since.
"""

from __future__ import annotations

import contextlib
import logging
import os
import weakref
from typing import Iterator, MutableMapping

# Handlers between two steps, with their path relative to a step's directory.
_parked: MutableMapping[logging.FileHandler, str] = weakref.WeakKeyDictionary()

# Directories that were made for them in the step that runs, the outermost first.
_made: list[str] = []


def enter(folder: str) -> None:
    """Let parked handlers write below a step's directory."""
    for handler, relative in list(_parked.items()):
        path = os.path.join(folder, relative)
        _make(os.path.dirname(path))
        _point(handler, path)
        del _parked[handler]


def leave(folder: str) -> None:
    """Close what is open below a step's directory, until the next one."""
    inside = os.path.join(os.path.abspath(folder), "")
    for handler in _handlers():
        if handler.baseFilename.startswith(inside):
            _parked[handler] = handler.baseFilename[len(inside) :]
            _point(handler, os.devnull)
    while _made:  # where nothing was logged, nothing stays
        with contextlib.suppress(OSError):
            os.rmdir(_made.pop())


def _make(directory: str) -> None:
    if not os.path.isdir(directory):
        _make(os.path.dirname(directory))
        os.mkdir(directory)
        _made.append(directory)


def _handlers() -> Iterator[logging.FileHandler]:
    for reference in list(logging._handlerList):  # type: ignore[attr-defined]
        handler = reference()
        if isinstance(handler, logging.FileHandler):
            yield handler


def _point(handler: logging.FileHandler, path: str) -> None:
    """Give a handler another file, which it opens when it has something to write."""
    handler.acquire()
    try:
        stream = handler.stream
        handler.stream = None
        handler.baseFilename = path
        if stream is not None:
            stream.close()
    finally:
        handler.release()
