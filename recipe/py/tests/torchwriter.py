"""Writes what ``torch.save`` writes, so that tests need no torch."""

import io
import pickle
import sys
import types
import zipfile
from typing import Any, Dict, Tuple
from unittest import mock

import numpy

STORAGES = {"float16": "HalfStorage", "float32": "FloatStorage", "int64": "LongStorage"}


class _Storage:
    """Stands for the numbers of a tensor, which the archive holds elsewhere."""

    def __init__(self, kind: type, key: str, length: int) -> None:
        self.id = ("storage", kind, key, "cpu", length)


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value.id if isinstance(value, _Storage) else None


class _Rebuilt:
    """Pickled as a call of torch's function that makes a tensor."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Tuple[Any, ...]:
        return self.call


def _rebuild_tensor_v2() -> None:
    """Is only named."""


_rebuild_tensor_v2.__module__ = "torch._utils"


def save(path: str, tensors: Dict[str, Any]) -> None:
    """Write numpy arrays as a state dict."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    state, contents = {}, {}
    for number, (name, values) in enumerate(tensors.items()):
        kind = STORAGES[values.dtype.name]
        if not hasattr(torch, kind):
            setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
        storage = _Storage(getattr(torch, kind), str(number), values.size)
        strides = tuple(step // values.itemsize for step in values.strides)
        args: Tuple[Any, ...] = (storage, 0, values.shape, strides, False, {})
        state[name] = _Rebuilt(_rebuild_tensor_v2, *args)
        contents[f"archive/data/{number}"] = numpy.ascontiguousarray(values).tobytes()
    stream = io.BytesIO()
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        _Pickler(stream, 2).dump(state)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", stream.getvalue())
        for member, data in contents.items():
            archive.writestr(member, data)
        archive.writestr("archive/version", b"3\n")
