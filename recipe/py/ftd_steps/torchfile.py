"""Reading what ``torch.save`` wrote, without torch and without trust.

Since PyTorch 1.6 such a file is a ZIP archive that stores each tensor's
numbers uncompressed, beside a pickle which says what they belong to. A pickle
may call anything; the one here gets to see stand-ins for the half dozen names
that weights need, and nothing else.
"""

import collections
import io
import os
import pickle
import struct
import zipfile
from typing import IO, Any, Callable, Dict, List, NamedTuple, Tuple

from ftd_steps import wrongfile
from ftd_steps.errors import DataError
from ftd_steps.tensor import DTYPES, DType, Tensor

STORAGES: Dict[str, DType] = {dtype.torch: dtype for dtype in DTYPES}
OLD_MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"  # before 1.6: no archive


class Storage(NamedTuple):
    """A run of numbers in the archive."""

    dtype: DType
    offset: int  # in the file
    length: int


def read(path: str) -> List[Tensor]:
    """Return the tensors of a state dict, after a look whether all of it is there."""
    try:
        with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
            return _read(path, archive, file)
    except zipfile.BadZipFile:
        raise wrongfile.diagnose(path) or _not_an_archive(path) from None
    except (pickle.UnpicklingError, struct.error, EOFError, KeyError, IndexError, TypeError,
            ValueError, AttributeError) as error:  # fmt: skip
        raise DataError(f"{path} cannot be read: {error}", "fetch the file again") from None


def _not_an_archive(path: str) -> DataError:
    with open(path, "rb") as file:
        head = file.read(64)
    if head[2:].startswith(OLD_MAGIC):
        return DataError(
            f"{path} is in the format of PyTorch before 1.6",
            "load and save it once with a newer PyTorch, or fetch it as safetensors",
        )
    if head.startswith(b"PK\x03\x04"):
        why = (
            f"it is cut off: the end of the archive is missing after {os.path.getsize(path)} bytes"
        )
    else:
        why = "it is not an archive of PyTorch"
    return DataError(f"{path} cannot be read: {why}", "fetch the file again")


def _read(path: str, archive: zipfile.ZipFile, file: IO[bytes]) -> List[Tensor]:
    members = {info.filename: info for info in archive.infolist()}
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError("it is a ZIP archive, but none that PyTorch wrote")
    root = pickles[0][: -len("data.pkl")]
    if root + "byteorder" in members and archive.read(root + "byteorder") != b"little":
        raise ValueError("its numbers are big-endian")

    def storage(key: Tuple[Any, ...]) -> Storage:
        kind, dtype, number, _, count = key[:5]
        if kind != "storage" or not isinstance(dtype, DType):
            raise ValueError(f"it refers to {kind!r}, not to a storage of numbers")
        info = members[f"{root}data/{number}"]
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{info.filename} is compressed")
        if info.file_size < count * dtype.size:
            raise ValueError(f"{info.filename} is too short")
        return Storage(dtype, _data_offset(file, info), count)

    loader = _Loader(io.BytesIO(archive.read(pickles[0])), path, storage)
    return [_named(path, str(name), value) for name, value in _state(loader.load()).items()]


def _data_offset(file: IO[bytes], info: zipfile.ZipInfo) -> int:
    """Return where a member's bytes begin: behind a header of its own length."""
    file.seek(info.header_offset)
    name, extra = struct.unpack("<26xHH", file.read(30))
    return info.header_offset + 30 + int(name) + int(extra)


def _state(value: Any) -> Dict[str, Any]:
    """Return the state dict: what was saved, or what that calls so."""
    for name in ("state_dict", "model", "module"):
        if isinstance(value, dict) and isinstance(value.get(name), dict):
            return value[name]
    if not isinstance(value, dict):
        raise ValueError("it holds no dict of tensors")
    return value


def _named(path: str, name: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor):
        raise ValueError(f"{name} is not a tensor")
    return value._replace(name=name, path=path)


class _Loader(pickle.Unpickler):
    """Knows the names that a state dict needs, and refuses all others."""

    def __init__(
        self, file: IO[bytes], path: str, storage: Callable[[Tuple[Any, ...]], Storage]
    ) -> None:
        super().__init__(file, encoding="utf-8")
        self.path = path
        self.storage = storage

    def persistent_load(self, key: Any) -> Storage:
        return self.storage(key)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _parameter
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise DataError(
            f"{self.path} was not opened: it wants {module}.{name}, which weights never need",
            "get the weights from a source that you trust, best as safetensors",
        )


def _tensor(
    storage: Storage, offset: int, shape: Tuple[int, ...], strides: Tuple[int, ...], *_: Any
) -> Tensor:
    """Stand in for torch's function of the same arguments."""
    shape, strides = tuple(shape), tuple(strides)
    if len(shape) != len(strides) or min((offset, *shape, *strides)) < 0:
        raise ValueError("a tensor has an impossible shape")
    count = 1
    usual = []
    for length in reversed(shape):
        usual.append(count)
        count *= length
    last = offset + sum((n - 1) * step for n, step in zip(shape, strides))
    if count and last >= storage.length:
        raise ValueError("a tensor reaches beyond its storage")
    plain = all(n == 1 or step == want for n, step, want in zip(shape, strides, reversed(usual)))
    return Tensor(
        name="",
        dtype=storage.dtype,
        shape=shape,
        path="",
        offset=storage.offset + offset * storage.dtype.size,
        strides=None if plain else strides,
    )


def _parameter(data: Tensor, *_: Any) -> Tensor:
    return data
