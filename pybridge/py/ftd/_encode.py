"""Python values as JSON text for Go."""

from __future__ import annotations

import json
import math
import os
from typing import Any

_compact = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


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
    except (TypeError, ValueError):
        return _compact.encode(_plain(value, "result", set())).encode()


def _plain(value: Any, where: str, parents: set[int]) -> Any:
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if id(value) in parents:
        raise ValueError(f"{where} contains itself, so it cannot be written as JSON")
    parents = parents | {id(value)}
    if isinstance(value, dict):
        return {_key(k, where): _plain(v, f"{where}[{k!r}]", parents) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v, f"{where}[{i}]", parents) for i, v in enumerate(value)]
    if isinstance(value, (set, frozenset)):
        return [_plain(v, f"an element of {where}", parents) for v in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return _plain(value.tolist(), where, parents)
    raise TypeError(f"{where} is a {type(value).__qualname__}, which cannot be written as JSON")


def _key(key: Any, where: str) -> Any:
    if key is None or isinstance(key, (str, int, float, bool)):
        return key
    raise TypeError(
        f"{where} has a key of type {type(key).__qualname__}, which cannot be written as JSON"
    )
