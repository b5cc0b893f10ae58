"""Reading and writing safetensors without holding a model in memory.

The layout: eight bytes, little-endian, that say how long the header is; the
header, a JSON object with type, shape and place of each tensor; the numbers.
The library of that name writes only what is in memory all at once.
"""

import json
import os
import struct
from typing import Any, Dict, Iterable, List

from ftd_steps import files, progress, wrongfile
from ftd_steps.errors import DataError
from ftd_steps.tensor import DTYPES, Part, Tensor

LONGEST_HEADER = 100_000_000  # the format's own limit
BY_CODE = {dtype.safetensors: dtype for dtype in DTYPES}


def read(path: str) -> List[Tensor]:
    """Return the tensors of a file, after a look whether all of it is there."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else LONGEST_HEADER + 1
        text = file.read(length) if length <= LONGEST_HEADER else b""
    if length > LONGEST_HEADER:
        raise wrongfile.diagnose(path) or _damaged(path, "it does not begin like safetensors")
    if len(text) < length:
        raise wrongfile.diagnose(path) or _damaged(
            path, f"it ends in its header, after {size} bytes"
        )
    try:
        header: Dict[str, Any] = json.loads(text.decode("utf-8"))
        header.pop("__metadata__", None)
        entries = [_tensor(path, 8 + length, name, entry) for name, entry in header.items()]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise wrongfile.diagnose(path) or _damaged(
            path, f"its header cannot be read: {error}"
        ) from None
    end = max((tensor.offset + tensor.nbytes for tensor in entries), default=8 + length)
    if size < end:
        raise _damaged(path, f"it is cut off: {size} bytes of {end}")
    return entries


def _tensor(path: str, base: int, name: str, entry: Dict[str, Any]) -> Tensor:
    code = entry["dtype"]
    if code not in BY_CODE:
        raise ValueError(f"{name} is of the type {code}, which ftd does not know")
    begin, end = entry["data_offsets"]
    tensor = Tensor(name, BY_CODE[code], tuple(entry["shape"]), path, base + begin)
    if begin < 0 or end - begin != tensor.nbytes:
        raise ValueError(f"{name} has {end - begin} bytes instead of {tensor.nbytes}")
    return tensor


def _damaged(path: str, why: str) -> DataError:
    return DataError(f"{path} cannot be read: {why}", "fetch the file again")


def write(path: str, parts: Iterable[Part]) -> int:
    """Write tensors, one after the other, in constant memory; return their bytes."""
    parts = list(parts)
    header: Dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for part in parts:
        begin, end = end, end + part.nbytes
        header[part.name] = {
            "dtype": part.dtype.safetensors,
            "shape": part.shape,
            "data_offsets": [begin, end],
        }
    text = json.dumps(header, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    with files.replacing(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        meter = progress.Meter(end)
        for part in parts:
            for piece in part.pieces:
                file.write(memoryview(piece).cast("B"))
                meter.add(piece.nbytes)
    return end
