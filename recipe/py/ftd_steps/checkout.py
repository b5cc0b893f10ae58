"""Files of a mindformers checkout, loaded and called as they are.

What is loaded from a file is nobody's module: it has no name by which another
checkout's file of the same name could be taken for it. What mindformers' own
functions do to report a failure becomes an error here: they return False,
print the cause and fail later over something else, or format an attribute that
the error does not have.
"""

import contextlib
import importlib.util
import io
import os
import sys
from types import ModuleType
from typing import Any, Iterator

from ftd_steps.errors import DataError, StepError


def use(checkout: str) -> None:
    """Make the mindformers of a checkout the one that is imported."""
    place = os.path.join(os.path.realpath(checkout), "mindformers")
    if not os.path.isdir(os.path.join(place, "models")):
        raise DataError(
            f"{checkout} is not a checkout of mindformers: it has no mindformers/models",
            "give the directory of a checkout, or leave mindformers: out to use the installed one",
        )
    loaded = sys.modules.get("mindformers")
    if loaded is not None and os.path.dirname(os.path.realpath(str(loaded.__file__))) != place:
        raise StepError(
            f"another mindformers ({loaded.__file__}) is loaded in this interpreter",
            "give the step isolation: worker",
        )
    if checkout not in sys.path:
        sys.path.insert(0, checkout)


def load(path: str) -> ModuleType:
    """Run a file as a module, and return it; FileNotFoundError if it is not there.

    It can import the files beside it, as a script can. They, too, are nobody's
    modules afterwards.
    """
    spec = importlib.util.spec_from_file_location("ftd_original", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with _beside(os.path.dirname(os.path.abspath(path))):
        spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def _beside(folder: str) -> Iterator[None]:
    """Let the modules in a folder be imported, in place of others with their names."""
    names = set()
    if os.path.isdir(folder):
        names = {name for name, kind in map(os.path.splitext, os.listdir(folder)) if kind == ".py"}
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(others)


class _Tee(io.TextIOBase):
    """Passes text on and remembers the last of it."""

    def __init__(self, to: Any) -> None:
        self.to = to
        self.text = ""

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-4000:]
        return int(self.to.write(text))

    def flush(self) -> None:
        self.to.flush()


def call(name: str, remedy: str, function: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of mindformers; an error says what failed, ``name``, and why."""
    heard = _Tee(sys.stdout)
    try:
        with contextlib.redirect_stdout(heard):
            result = function(*arguments, **options)
    except Exception as error:
        raise StepError(f"{name} failed: {_cause(error, heard.text)}", remedy) from error
    if result is False:
        raise StepError(f"{name} failed: {_last_line(heard.text) or 'it says nothing'}", remedy)
    return result


def _cause(error: BaseException, said: str) -> str:
    for line in reversed(said.splitlines()):
        if line.startswith("Failed to load"):
            return line
    if isinstance(error, AttributeError) and error.__context__ is not None:
        error = error.__context__  # it failed over the words for another error
    return f"{type(error).__name__}: {error}"


def _last_line(text: str) -> str:
    lines = [line for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
