"""Checkpoints as MindSpore writes them, small and without MindSpore."""

import json
import os
import struct
import time
from typing import Any, Dict, List, Tuple

# Name, MindSpore's type, safetensors' type, shape, bytes.
Tensor = Tuple[str, str, str, List[int], bytes]


def save(
    out: str, kind: str, epoch: int, step: int, global_step: int, rank: int = 0, ahead: float = 0
) -> str:
    """Saves a complete checkpoint and returns its path.

    A .ckpt is written under its final name, as MindSpore 2.0 does; safetensors
    under a temporary one that is then renamed, as MindSpore 2.7 does. Its time
    is that of a clock that is so many seconds ahead.
    """
    directory = os.path.join(out, "checkpoint", f"rank_{rank}")
    os.makedirs(directory, exist_ok=True)
    base = os.path.join(directory, f"tiny_rank_{rank}-{epoch}_{step}")
    tensors = content(epoch, step, global_step)
    if kind == "ckpt":
        path = base + ".ckpt"
        with open(path, "wb") as f:
            for tensor in tensors:
                f.write(ckpt_record(tensor))
        date(path, ahead)
    else:
        path = base + ".safetensors"
        with open(base + ".tmp", "wb") as f:
            f.write(safetensors(tensors))
        date(base + ".tmp", ahead)
        os.rename(base + ".tmp", path)
    os.chmod(path, 0o400)
    return path


def date(path: str, ahead: float) -> None:
    if ahead:
        now = time.time() + ahead
        os.utime(path, (now, now))


def content(epoch: int, step: int, global_step: int) -> List[Tensor]:
    """Returns the tensors of a training checkpoint, its position last."""
    weights = struct.pack("<64f", *[global_step / 100.0] * 64)
    return [
        ("layer.weight", "Float32", "F32", [8, 8], weights),
        ("global_step", "Int32", "I32", [1], struct.pack("<i", global_step)),
        ("epoch_num", "Int64", "I64", [], struct.pack("<q", epoch)),
        ("step_num", "Int64", "I64", [], struct.pack("<q", step)),
        ("loss_scale", "Float32", "F32", [], struct.pack("<f", 1.0)),
        ("global_batch_size", "Int64", "I64", [], struct.pack("<q", 4)),
    ]


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(tag: int, data: bytes) -> bytes:
    return bytes([tag]) + varint(len(data)) + data


def ckpt_record(tensor: Tensor) -> bytes:
    """Returns one Value of the protobuf message Checkpoint."""
    name, kind, _, shape, data = tensor
    dims = b"".join(b"\x08" + varint(n) for n in shape)
    proto = dims + field(0x12, kind.encode()) + field(0x1A, data)
    return field(0x0A, field(0x0A, name.encode()) + field(0x12, proto))


def safetensors(tensors: List[Tensor]) -> bytes:
    # The library puts tensors with the widest type first.
    ordered = sorted(tensors, key=lambda t: ({"I64": 0, "F32": 1, "I32": 1}[t[2]], t[0]))
    header: Dict[str, Any] = {"__metadata__": {"format": "ms", "remove_redundancy": "False"}}
    offset = 0
    for name, _, kind, shape, data in ordered:
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(t[4] for t in ordered)
