"""Exceptions as text for people and as JSON for Go."""

from __future__ import annotations

import json
import sys
import traceback
from types import TracebackType
from typing import Any

_LONGEST = 64 * 1024  # characters of a traceback, of a message
_DEEPEST = 20  # causes
_OWN = ("ftd._bridge", "ftd._encode", "runpy", "importlib")


def describe(error: BaseException) -> bytes:
    """Return what PyError of the Go side holds. Never raises."""
    try:
        return json.dumps(_fields(error, [])).encode()
    except BaseException as second:  # an exception whose parts misbehave
        return json.dumps(
            {
                "type": _name(error),
                "message": f"(cannot be described: {_name(second)})",
            }
        ).encode()


def show(error: BaseException) -> None:
    """Print the traceback to the step's log, where a person looks for it."""
    try:
        sys.stderr.write(_format(error))
        sys.stderr.flush()
    except BaseException:
        pass  # the caller gets it all the same


def exit_code(exit: SystemExit) -> dict[str, Any]:
    """Return what a python process would have exited with."""
    if exit.code is None:
        return {"code": 0, "message": ""}
    if isinstance(exit.code, int):
        return {"code": exit.code & 0xFF, "message": ""}
    message = _text(exit.code)
    sys.stderr.write(message + "\n")
    return {"code": 1, "message": message}


def _fields(error: BaseException, above: list[int]) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": _name(error), "message": _text(error)}
    if not above:
        fields["traceback"] = _format(error)
    notes = getattr(error, "__notes__", None)
    if isinstance(notes, list):
        fields["notes"] = [_text(note) for note in notes]
    cause = error.__cause__
    if cause is None and not error.__suppress_context__:
        cause = error.__context__
    above = [*above, id(error)]
    # A cause may lead back to the exception itself.
    if cause is not None and id(cause) not in above and len(above) < _DEEPEST:
        fields["cause"] = _fields(cause, above)
    return fields


def _name(error: BaseException) -> str:
    kind = type(error)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _text(value: Any) -> str:
    try:
        text = str(value)
    except BaseException as error:
        return f"(its text cannot be had: {_name(error)})"
    if len(text) > _LONGEST:
        text = text[:_LONGEST] + "..."
    return text


def _format(error: BaseException) -> str:
    lines = traceback.format_exception(type(error), error, _own_frames_cut(error.__traceback__))
    text = "".join(lines)
    if len(text) > _LONGEST:
        half = _LONGEST // 2
        text = text[:half] + "\n...\n" + text[-half:]
    return text


def _own_frames_cut(tb: TracebackType | None) -> TracebackType | None:
    """Skip the bridge's frames, and those of runpy and importlib after them."""
    while tb is not None:
        name = tb.tb_frame.f_globals.get("__name__", "")
        if name not in _OWN and not name.startswith("importlib."):
            break
        tb = tb.tb_next
    return tb
