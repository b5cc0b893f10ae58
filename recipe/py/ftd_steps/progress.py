"""How far the writing of a large file is."""

import ftd


class Meter:
    """Counts bytes and tells ftd, in megabytes."""

    def __init__(self, total: int) -> None:
        self.done = 0
        self.total = total

    def add(self, count: int) -> None:
        """Say that ``count`` more bytes are written."""
        self.done += count
        ftd.progress(self.done >> 20, self.total >> 20, "MB")
