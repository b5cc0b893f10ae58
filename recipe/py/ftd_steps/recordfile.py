"""A MindRecord file, written in batches."""

import os
from typing import Any, Dict, List

import ftd

from ftd_steps.errors import StepError

CHUNK = 1024  # rows that are made and written together


class RecordFile:
    """Writes the file ``path`` with its index ``path`` + ".db".

    ``columns`` gives each column's shape; all are int32. The name is final from
    the start, because the index keeps the name of its file: what is unfinished
    is told by the directory, which ftd names last.
    """

    def __init__(self, path: str, columns: Dict[str, List[int]], description: str) -> None:
        from mindspore.mindrecord import FileWriter

        self.path = path
        for leftover in (path, path + ".db"):
            if os.path.exists(leftover):
                os.remove(leftover)
        self.writer = FileWriter(path, shard_num=1)
        schema = {name: {"type": "int32", "shape": shape} for name, shape in columns.items()}
        self.writer.add_schema(schema, description)
        self.rows = 0

    def write(self, columns: Dict[str, Any]) -> None:
        """Append rows: of each column an array whose first dimension is the rows."""
        names = list(columns)
        batch = [dict(zip(names, row)) for row in zip(*columns.values())]
        if batch:
            self.writer.write_raw_data(batch)
        self.rows += len(batch)

    def close(self) -> None:
        """Write what is left and the index; raise unless it counts as many rows."""
        from mindspore.mindrecord import FileReader

        self.writer.commit()
        reader = FileReader(self.path, num_consumer=1)
        found = reader.len()
        reader.close()
        if found != self.rows:
            raise StepError(
                f"{self.path} holds {found} rows instead of {self.rows}", "run the step again"
            )


def chunks(rows: List[Any]) -> Any:
    """Yield the rows in chunks, and report how far it is."""
    for begin in range(0, len(rows), CHUNK):
        yield rows[begin : begin + CHUNK]
        ftd.progress(min(begin + CHUNK, len(rows)), len(rows), "rows")
