"""Carries out one call of a recipe's step in a process of another environment.

    python ftd_run REQUEST.json

The request holds what the daemon would have given to its own interpreter: a
function with keyword arguments, or a script with arguments; directories for
``sys.path``; and two files to write. How far it is goes to ``progress``, one
JSON list a line; the result or the exception goes to ``answer``, last and at
once. What the call prints is the process's own output. It runs on any Python
from 3.7 on, with the standard library alone.
"""

import importlib
import json
import os
import runpy
import sys
import traceback
import types
from typing import Any, Dict


def main() -> None:
    """Carry out the request that the first argument names."""
    with open(sys.argv[1], encoding="utf-8") as file:
        request: Dict[str, Any] = json.load(file)
    sys.modules["ftd"] = module(request["progress"])
    # What was first is the directory of this file, which is nobody's business.
    sys.path[:1] = request["path"]
    try:
        answer = {"result": carry_out(request)}
        text = json.dumps(answer)
    except BaseException as error:  # an interrupt is an answer as well
        text = json.dumps(exception(error))
    temporary = request["answer"] + ".part"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, request["answer"])


def carry_out(request: Dict[str, Any]) -> Any:
    """Return what the function returns, or the status that the script ends with."""
    if not request.get("script"):
        target: Any = importlib.import_module(request["module"])
        for name in request["function"].split("."):
            target = getattr(target, name)
        return target(**(request.get("args") or {}))
    sys.argv = [request["script"]] + (request.get("argv") or [])
    sys.path.insert(0, os.path.dirname(os.path.abspath(request["script"])))
    try:
        runpy.run_path(request["script"], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    return 0


def module(path: str) -> types.ModuleType:
    """Return the module ``ftd`` that steps import; progress goes to ``path``."""
    ftd = types.ModuleType("ftd")
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115 (for as long as the process lives)

    def progress(done: int, total: int = 0, note: str = "") -> None:
        """Say that ``done`` of ``total`` is finished."""
        file.write(json.dumps([int(done), int(total), str(note)]) + "\n")
        file.flush()

    setattr(ftd, "progress", progress)  # noqa: B010 (a module has no such attribute for mypy)
    return ftd


def exception(error: BaseException) -> Dict[str, Any]:
    """Return an exception in the words of the daemon."""
    kind = type(error)
    message = str(error)
    if isinstance(error, SystemExit):
        message = f"the code ended the process (status {error.code})"
    return {
        "type": kind.__module__ + "." + kind.__qualname__,
        "message": message,
        "traceback": traceback.format_exc().splitlines(),
    }


if __name__ == "__main__":
    main()
