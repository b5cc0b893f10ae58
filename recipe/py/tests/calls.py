"""Calls steps in a process of their own, one after the other.

    python calls.py

reads one JSON list a line, [MODULE, FUNCTION, ARGUMENTS], and writes one JSON
object: what the function of ftd_steps returned, or the cause and the remedy.
"""

import importlib
import json
import os
import subprocess
import sys
from typing import Any, Dict, List


class Calls:
    """Such a process, in the directory ``folder``."""

    def __init__(self, folder: str, path: List[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.abspath(__file__)],
            cwd=folder,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join([*path, *sys.path])),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            universal_newlines=True,
        )

    def call(self, module: str, function: str, **arguments: Any) -> Dict[str, Any]:
        """Return the function's result, or "cause" and "remedy"; "said" is what it printed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps([module, function, arguments]) + "\n")
        self.process.stdin.flush()
        answer: Dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def end(self) -> None:
        """Wait until it has ended."""
        self.process.communicate()


def main() -> None:
    """Answer line by line."""
    from ftd_steps.errors import StepError

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open("said", os.O_RDWR | os.O_CREAT | os.O_TRUNC), 1)
    for line in sys.stdin:
        os.ftruncate(1, 0)
        os.lseek(1, 0, os.SEEK_SET)
        module, function, arguments = json.loads(line)
        try:
            call = getattr(importlib.import_module("ftd_steps." + module), function)
            answer = dict(call(**arguments))
        except StepError as error:
            answer = {"cause": error.cause, "remedy": error.remedy}
        sys.stdout.flush()
        with open("said") as file:
            answer["said"] = file.read()
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
