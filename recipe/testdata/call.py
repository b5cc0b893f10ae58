"""Makes one Python call for a test: the request comes as JSON on standard input.

The answer goes to the file named in the request, because standard output is
what the called function prints.
"""

import importlib
import json
import os
import runpy
import sys
import traceback


def main() -> None:
    """Call the function and write its result or its exception."""
    request = json.load(sys.stdin)
    sys.path[:0] = request["path"]
    os.chdir(request["dir"])
    os.environ.update(request["env"])
    try:
        if request["script"]:
            sys.argv[:] = [request["script"], *request["argv"]]
            answer = {"result": run(request["script"])}
            write(request["answer"], answer)
            return
        function = getattr(importlib.import_module(request["module"]), request["function"])
        answer = {"result": function(**request["args"])}
    except Exception as error:
        kind = type(error)
        answer = {
            "type": kind.__module__ + "." + kind.__qualname__,
            "message": str(error),
            "traceback": traceback.format_exc().splitlines(),
        }
    write(request["answer"], answer)


def run(script: str) -> int:
    """Run a script as the interpreter would; return its exit status."""
    sys.path.insert(0, os.path.dirname(script))
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def write(path: str, answer: dict) -> None:
    """Write the answer as JSON."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump(answer, file)


main()
