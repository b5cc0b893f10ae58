"""The entry that stands for run_mindformer.py where mindformers is a wheel."""

import argparse
import os
from typing import List, Optional


def main(arguments: Optional[List[str]] = None) -> None:
    """Build context and trainer from the config, and train."""
    parser = argparse.ArgumentParser(prog="python -m ftd_train", description=__doc__)
    parser.add_argument("--config", required=True, help="a mindformers YAML")
    parser.add_argument("--run_mode", choices=["train", "finetune"], help="overrides the YAML's")
    options = parser.parse_args(arguments)
    os.environ.setdefault("REGISTER_PATH", os.path.dirname(os.path.abspath(__file__)))

    # Only now: importing mindformers takes seconds and writes ./output/log.
    from mindformers.core.context import build_context
    from mindformers.tools import set_output_path
    from mindformers.tools.register import MindFormerConfig
    from mindformers.trainer import Trainer

    overrides = {"run_mode": options.run_mode} if options.run_mode else {}
    config = MindFormerConfig(options.config, **overrides)
    set_output_path(config.output_dir)
    build_context(config)
    Trainer(config).train()


if __name__ == "__main__":
    main()
