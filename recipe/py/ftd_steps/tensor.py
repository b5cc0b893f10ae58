"""One tensor in a file of weights: where it lies, not what it holds.

The numbers are read when they are wanted, a piece at a time, so that a model
of any size is converted in the memory that a piece takes. The three formats
that hold them (safetensors, PyTorch's archive, MindSpore's ``.ckpt``) have
names of their own for the types of numbers; the table here joins them.
"""

from typing import Any, Dict, Iterable, Iterator, NamedTuple, Optional, Tuple

from ftd_steps.errors import DataError

LARGEST = 65504  # of what float16 holds

PIECE = 32 << 20  # bytes that are read and converted at once


class DType(NamedTuple):
    """A type of numbers and what each format calls it."""

    name: str
    size: int  # bytes
    numpy: str  # what numpy reads it as: it knows no bfloat16
    safetensors: str
    torch: str  # the class of a storage
    mindspore: str


DTYPES = (
    DType("float64", 8, "<f8", "F64", "DoubleStorage", "Float64"),
    DType("float32", 4, "<f4", "F32", "FloatStorage", "Float32"),
    DType("float16", 2, "<f2", "F16", "HalfStorage", "Float16"),
    DType("bfloat16", 2, "<u2", "BF16", "BFloat16Storage", "BFloat16"),
    DType("int64", 8, "<i8", "I64", "LongStorage", "Int64"),
    DType("int32", 4, "<i4", "I32", "IntStorage", "Int32"),
    DType("int16", 2, "<i2", "I16", "ShortStorage", "Int16"),
    DType("int8", 1, "i1", "I8", "CharStorage", "Int8"),
    DType("uint8", 1, "u1", "U8", "ByteStorage", "UInt8"),
    DType("bool", 1, "?", "BOOL", "BoolStorage", "Bool"),
)
BY_NAME: Dict[str, DType] = {dtype.name: dtype for dtype in DTYPES}
FLOATS = ("float64", "float32", "float16", "bfloat16")


def product(shape: Tuple[int, ...]) -> int:
    """Return how many numbers a tensor of this shape has."""
    result = 1
    for length in shape:
        result *= length
    return result


class Part(NamedTuple):
    """A tensor that is to be written; its numbers come in flat numpy arrays."""

    name: str
    dtype: DType
    shape: Tuple[int, ...]
    pieces: Iterable[Any]

    @property
    def nbytes(self) -> int:
        """How many bytes its numbers take."""
        return product(self.shape) * self.dtype.size


class Tensor(NamedTuple):
    """A tensor of ``shape`` whose numbers begin at the byte ``offset`` of ``path``."""

    name: str
    dtype: DType
    shape: Tuple[int, ...]
    path: str
    offset: int
    # How many numbers further the next entry of each axis is, for a view of
    # a larger storage; None is the usual order.
    strides: Optional[Tuple[int, ...]] = None
    # Each group of a * b rows, seen as a table of a by b, is transposed: how
    # the two halves of a head are interleaved, or the other way round.
    turned: Optional[Tuple[int, int]] = None

    @property
    def length(self) -> int:
        """How many numbers it has."""
        return product(self.shape)

    @property
    def nbytes(self) -> int:
        """How many bytes its numbers take."""
        return self.length * self.dtype.size

    def rows(self, begin: int, end: int) -> "Tensor":
        """Return the part of it from row ``begin`` to before row ``end``."""
        row = self.strides[0] if self.strides else self.length // self.shape[0]
        return self._replace(
            shape=(end - begin, *self.shape[1:]),
            offset=self.offset + begin * row * self.dtype.size,
        )

    def to(self, dtype: DType) -> DType:
        """Return the type that it is written in when ``dtype`` is asked for."""
        return dtype if self.dtype.name in FLOATS else self.dtype

    def part(self, dtype: DType) -> Part:
        """Return it as it is to be written, with numbers of the type ``dtype``."""
        pieces = (cast(piece, self.dtype, dtype, self) for piece in self.raw())
        return Part(self.name, dtype, self.shape, pieces)

    def raw(self) -> Iterator[Any]:
        """Yield its numbers in order, as they are, in flat numpy arrays.

        They are read, not mapped: a mapped file that is cut while it is used
        ends the whole process by a signal.
        """
        if self.length == 0:
            return
        rows = self.shape[0] if self.shape else 1
        row = self.length // rows
        if self.strides is not None:
            yield self._turn(self._view(self.strides), row)
            return
        group = product(self.turned or ())
        step = max(1, PIECE // (row * self.dtype.size * group)) * group
        for begin in range(0, rows, step):
            numbers = self._read(begin * row, min(step, rows - begin) * row)
            yield self._turn(numbers, row)

    def _read(self, begin: int, count: int) -> Any:
        import numpy

        offset = self.offset + begin * self.dtype.size
        numbers = numpy.fromfile(self.path, self.dtype.numpy, count, offset=offset)
        if len(numbers) != count:
            raise DataError(f"{self.path} ended while it was read", "fetch the file again")
        return numbers

    def _view(self, strides: Tuple[int, ...]) -> Any:
        """Return all numbers of a tensor that is a view of a larger storage."""
        import numpy

        extent = 1 + sum((n - 1) * step for n, step in zip(self.shape, strides))
        steps = [step * self.dtype.size for step in strides]
        view = numpy.lib.stride_tricks.as_strided(self._read(0, extent), self.shape, steps)
        return numpy.ascontiguousarray(view).reshape(-1)

    def _turn(self, numbers: Any, row: int) -> Any:
        """Transpose each group of rows."""
        if not self.turned:
            return numbers
        return numbers.reshape(-1, *self.turned, row).transpose(0, 2, 1, 3).reshape(-1)


def cast(values: Any, source: DType, target: DType, tensor: Tensor) -> Any:
    """Return ``values`` as the type ``target``; raise where one does not fit."""
    import numpy

    if source is target:
        return values
    if source.name == "bfloat16":
        values = (values.astype(numpy.uint32) << 16).view(numpy.float32)
    if target.name == "bfloat16":
        return _bfloat16(values.astype(numpy.float32))
    with numpy.errstate(over="ignore"):
        result = values.astype(target.numpy)
    if target.name == "float16" and not (values.max() <= LARGEST and values.min() >= -LARGEST):
        lost = int((numpy.isinf(result) & numpy.isfinite(values)).sum())
        if lost:
            raise DataError(
                f"{lost} numbers of {tensor.name} ({tensor.path}) are too large for float16",
                "convert to float32 instead: dtype: float32",
            )
    return result


def _bfloat16(values: Any) -> Any:
    """Round float32 to the nearest bfloat16, ties to even; return its bits."""
    import numpy

    bits = values.view(numpy.uint32)
    rounded = ((bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16).astype(numpy.uint16)
    return numpy.where(numpy.isnan(values), ((bits >> 16) | 0x40).astype(numpy.uint16), rounded)
