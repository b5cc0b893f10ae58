"""Writing and listing MindSpore's ``.ckpt`` without holding a model in memory.

The file is a row of protobuf messages, one record a tensor: its name, its
shape, its type and its numbers. ``mindspore.save_checkpoint`` writes the same
bytes, but wants all tensors in memory first.
"""

from typing import IO, Any, Dict, Iterable, List, NamedTuple, Tuple

from ftd_steps import files, progress
from ftd_steps.errors import StepError
from ftd_steps.tensor import Part

# Longer tensors are split into several records of the same name, as protobuf
# takes no more than 2 GiB in one message and MindSpore reads them so.
RECORD = 512 << 20


class Record(NamedTuple):
    """What a checkpoint says of one tensor."""

    name: str
    dtype: str  # as MindSpore calls it: Float16
    shape: Tuple[int, ...]
    nbytes: int


def write(path: str, parts: Iterable[Part]) -> None:
    """Write tensors, one after the other, in constant memory."""
    parts = list(parts)
    with files.replacing(path, "wb") as file:
        meter = progress.Meter(sum(part.nbytes for part in parts))
        for part in parts:
            _write(file, part, meter)


def _write(file: IO[Any], part: Part, meter: progress.Meter) -> None:
    left = part.nbytes
    room = 0  # in the record that is being written
    for piece in part.pieces:
        data = memoryview(piece).cast("B")
        while data:
            if room == 0:
                room = min(left, RECORD)
                file.write(_head(part, room))
            chunk, data = data[:room], data[room:]
            file.write(chunk)
            room -= len(chunk)
            left -= len(chunk)
            meter.add(len(chunk))


def _head(part: Part, length: int) -> bytes:
    """Return all of a record but its numbers, of which ``length`` bytes follow."""
    name = part.name.encode("utf-8")
    kind = part.dtype.mindspore.encode("ascii")
    body = b"".join(b"\x08" + varint(n) for n in part.shape)
    body += b"\x12" + varint(len(kind)) + kind
    body += b"\x1a" + varint(length)
    value = b"\x0a" + varint(len(name)) + name + b"\x12" + varint(len(body) + length)
    return b"\x0a" + varint(len(value) + len(body) + length) + value + body


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)


def records(path: str) -> List[Record]:
    """Return what a checkpoint holds, without reading the numbers.

    Records that continue a long tensor are joined. ftd's package checkpoint
    judges whether a file is whole; here it only has to be readable.
    """
    found: Dict[str, Record] = {}
    try:
        with open(path, "rb") as file:
            while file.peek(1):
                _expect(file, 0x0A)
                _varint(file)
                _expect(file, 0x0A)
                name = file.read(_varint(file)).decode("utf-8")
                _expect(file, 0x12)
                _varint(file)
                record = _tensor(file, name)
                if name in found:
                    record = record._replace(nbytes=record.nbytes + found[name].nbytes)
                found[name] = record
    except (EOFError, ValueError) as error:
        raise StepError(
            f"{path} is not a checkpoint of MindSpore: {error}", "run the step again"
        ) from None
    return list(found.values())


def _tensor(file: IO[bytes], name: str) -> Record:
    shape = []
    key = _byte(file)
    while key == 0x08:
        shape.append(_varint(file))
        key = _byte(file)
    if key != 0x12:
        raise ValueError(f"no type in the record of {name}")
    dtype = file.read(_varint(file)).decode("ascii")
    _expect(file, 0x1A)
    length = _varint(file)
    file.seek(length, 1)
    return Record(name, dtype, tuple(shape), length)


def _expect(file: IO[bytes], key: int) -> None:
    got = _byte(file)
    if got != key:
        raise ValueError(f"byte {got:#x} at {file.tell() - 1}, where {key:#x} belongs")


def _varint(file: IO[bytes]) -> int:
    number = shift = 0
    while True:
        byte = _byte(file)
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number
        shift += 7


def _byte(file: IO[bytes]) -> int:
    byte = file.read(1)
    if not byte:
        raise EOFError("it ends too early")
    return byte[0]
