"""Makes one Python call for a test: the request comes as JSON on standard input.

The answer goes to the file named in the request, because standard output is
what the called function prints.
"""

import importlib
import json
import os
import sys
import traceback


def main() -> None:
    """Call the function and write its result or its exception."""
    request = json.load(sys.stdin)
    sys.path[:0] = request["path"]
    os.chdir(request["dir"])
    os.environ.update(request["env"])
    try:
        function = getattr(importlib.import_module(request["module"]), request["function"])
        answer = {"result": function(**request["args"])}
    except Exception as error:
        kind = type(error)
        answer = {
            "type": kind.__module__ + "." + kind.__qualname__,
            "message": str(error),
            "traceback": traceback.format_exc().splitlines(),
        }
    with open(request["answer"], "w", encoding="utf-8") as file:
        json.dump(answer, file)


main()
