"""Python values as JSON text for Go."""

from __future__ import annotations

import json
import math
import os
from typing import Any

_compact = json.JSONEncoder(allow_nan=False, separators=(",", ":"))

_DEEPEST = 300  # levels of a value that JSON's own encoder cannot write
_LONGEST = 80  # characters of the name of a part


def encode(value: Any) -> bytes:
    """Return ``value`` as JSON; name the part of it that has none.

    Beside JSON's own types, numpy scalars and arrays, paths, sets and bytes
    that are text become what one expects; NaN and infinities become strings.
    """
    if value is None:  # most functions return nothing
        return b"null"
    try:
        # The usual case at the speed of the C encoder.
        return _compact.encode(value).encode()
    except (TypeError, ValueError, RecursionError):
        pass  # it does not say of which part; after this block its words are forgotten
    return _compact.encode(_plain(value, "result", set())).encode()


def _plain(value: Any, where: str, parents: set[int]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return _written(value, where)
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, (bytes, bytearray)):
        return _text(value, where)
    if id(value) in parents:
        raise ValueError(f"{_short(where)} contains itself, so it cannot be written as JSON")
    if len(parents) == _DEEPEST:
        raise ValueError(
            f"{_short(where)} is nested more than {_DEEPEST} levels deep, "
            "which cannot be written as JSON"
        )
    parents = parents | {id(value)}
    if isinstance(value, dict):
        return {
            _key(k, where, parents): _plain(v, f"{where}[{k!r}]", parents) for k, v in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_plain(v, f"{where}[{i}]", parents) for i, v in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return [_plain(v, f"an element of {where}", parents) for v in value]
    if isinstance(value, os.PathLike):
        return _plain(os.fspath(value), where, parents)
    if hasattr(value, "tolist") and not isinstance(value, type):  # numpy arrays and scalars
        return _plain(value.tolist(), where, parents)
    raise TypeError(
        f"{_short(where)} is of type {type(value).__qualname__}, which cannot be written as JSON"
    )


def _key(key: Any, where: str, parents: set[int]) -> Any:
    if key is None or isinstance(key, (str, int, float, bool)):
        return _plain(key, f"a key of {where}", parents)
    raise TypeError(
        f"{_short(where)} has a key of type {type(key).__qualname__}, "
        "which cannot be written as JSON"
    )


def _written(value: int, where: str) -> int:
    """Check that a number can be written: newer Pythons refuse very long ones."""
    try:
        int.__repr__(value)
    except ValueError:
        pass
    else:
        return value
    raise ValueError(
        f"{_short(where)} is a number of {value.bit_length()} bits, which cannot be written as JSON"
    )


def _text(value: bytes | bytearray, where: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        pass
    raise TypeError(f"{_short(where)} is bytes that are no text, which cannot be written as JSON")


def _short(where: str) -> str:
    return where if len(where) <= _LONGEST else where[:_LONGEST] + "..."
