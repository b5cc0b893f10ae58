"""The entry that stands for run_mindformer.py where mindformers is a wheel."""

import argparse
import os
from typing import List, Optional


def main(arguments: Optional[List[str]] = None) -> None:
    """Build context and trainer from the config, and train."""
    parser = argparse.ArgumentParser(prog="python -m ftd_train", description=__doc__)
    parser.add_argument("--config", required=True, help="a mindformers YAML")
    parser.add_argument("--run_mode", choices=["train", "finetune"], help="overrides the YAML's")
    parser.add_argument("--load_checkpoint", help="overrides the YAML's")
    parser.add_argument(
        "--resume_training",
        type=lambda text: text.lower() == "true",
        help="True: go on where load_checkpoint was saved; overrides the YAML's",
    )
    options = parser.parse_args(arguments)
    os.environ.setdefault("REGISTER_PATH", os.path.dirname(os.path.abspath(__file__)))

    # Only now: importing mindformers takes seconds and writes ./output/log.
    from mindformers.core.context import build_context
    from mindformers.tools import set_output_path
    from mindformers.tools.register import MindFormerConfig
    from mindformers.trainer import Trainer

    given = vars(options).items()
    overrides = {name: value for name, value in given if name != "config" and value is not None}
    if (options.load_checkpoint or "").endswith(".safetensors"):
        overrides["load_ckpt_format"] = "safetensors"
    config = MindFormerConfig(options.config, **overrides)
    set_output_path(config.output_dir)
    build_context(config)
    Trainer(config).train()


if __name__ == "__main__":
    main()
