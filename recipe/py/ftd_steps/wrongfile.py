"""Files that are not what their name says, and why."""

import re
from typing import Optional

from ftd_steps.errors import DataError

POINTER = b"version https://git-lfs.github.com/spec/v1"
PAGE = re.compile(rb"\s*(\xef\xbb\xbf)?\s*(<!--.*?-->\s*)*<(!doctype html|html|head)", re.I | re.S)
REFUSAL = re.compile(rb"\s*(<\?xml[^>]*>)?\s*<Error>", re.I)


def check(path: str) -> None:
    """Raise a DataError when ``path`` is empty or some other thing than data."""
    problem = diagnose(path)
    if problem is not None:
        raise problem


def diagnose(path: str) -> Optional[DataError]:
    """Return what ``path`` is in place of data; None if nothing tells against it."""
    try:
        with open(path, "rb") as file:
            head = file.read(2048)
    except OSError as error:
        return DataError(
            f"{path} cannot be read: {error.strerror or error}",
            "check the path, and who may read it",
        )
    if not head:
        return DataError(f"{path} is empty", "fetch the file again")
    if head.startswith(POINTER):
        size = re.search(rb"^size (\d+)$", head, re.M)
        real = f"the real file has {int(size.group(1))} bytes" if size else "it names no size"
        return DataError(
            f"{path} is a git LFS pointer, not the file itself: {real}",
            "fetch it: a step with uses: lfs, or git lfs pull in the repository it came from",
        )
    if PAGE.match(head):
        return DataError(
            f"{path} is a web page (HTML), not the file that its name promises",
            "fetch it again by a direct link; a page comes in its place when a login is asked for",
        )
    if REFUSAL.match(head):
        code = re.search(rb"<Code>([^<]*)</Code>", head)
        said = code.group(1).decode("ascii", "replace") if code else "no code"
        return DataError(
            f"{path} is an error message of a file server ({said}), not the file",
            "fetch it again with a link that has not expired",
        )
    return None
