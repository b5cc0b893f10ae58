"""Files that are either whole or not there."""

import contextlib
import json
import os
from typing import IO, Any, Iterator


@contextlib.contextmanager
def replacing(path: str, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file that takes the name ``path`` when all went well.

    It is synchronised before it is renamed, so that a crash leaves the old
    file or the new one, never a part.
    """
    temporary = path + ".part"
    encoding = None if "b" in mode else "utf-8"
    try:
        with open(temporary, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise


def write_json(path: str, value: Any) -> None:
    """Write ``value`` as JSON, readable by people, or leave ``path`` as it was."""
    with replacing(path) as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def read_json(path: str) -> Any:
    """Read a JSON file that ftd itself wrote."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)
