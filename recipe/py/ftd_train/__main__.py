"""What trains a config: run_mindformer.py of a checkout, or what stands for it with a wheel."""

import argparse
import importlib.util
import os
import runpy
import sys
from typing import Any, Dict, List, Optional

HERE = os.path.dirname(os.path.abspath(__file__))


def main(arguments: Optional[List[str]] = None) -> None:
    """Make ftd's parts known to mindformers, and train."""
    parser = argparse.ArgumentParser(prog="python -m ftd_train", description=__doc__)
    parser.add_argument("--script", help="run_mindformer.py of a checkout; by default the wheel's")
    parser.add_argument("--config", required=True, help="a mindformers YAML")
    parser.add_argument("--run_mode", choices=["train", "finetune"], help="overrides the YAML's")
    parser.add_argument("--load_checkpoint", help="overrides the YAML's")
    parser.add_argument(
        "--resume_training",
        type=lambda text: text.lower() == "true",
        help="True: go on where load_checkpoint was saved; overrides the YAML's",
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("REGISTER_PATH", HERE)
    given = {name: value for name, value in vars(options).items() if value is not None}
    script = given.pop("script", None)
    if script is not None:
        # The checkout's own mindformers, as if the script had been called.
        sys.path.insert(0, os.path.dirname(os.path.abspath(script)))

    if script is not None and importlib.util.find_spec("mindspore") is None:
        run(script, given)  # which says what it lacks
        return

    # Only now: importing mindformers takes seconds and writes ./output/log.
    from ftd_train import leave, wheel

    wheel.prepare(options.config)
    leave.attach()
    if script is not None:
        run(script, given)
    elif wheel.is_1x():
        wheel.train_1x(**given)
    else:
        wheel.train_0x(**given)


def run(script: str, given: Dict[str, Any]) -> None:
    """Run a script with options, as if it had been called."""
    sys.argv = [script] + [f"--{name}={value}" for name, value in given.items()]
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
