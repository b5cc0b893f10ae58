"""Training with an installed mindformers, whose wheels come without run_mindformer.py.

Version 1.0 brought set_output_path, a Trainer that takes a whole config, and
soon ``auto_register``, by which a config names classes of other people. With
0.x, ftd's classes are imported beforehand, and the trainer is built by hand.
"""

import importlib
from typing import Any


def is_1x() -> bool:
    """Return whether mindformers is 1.0 or newer."""
    import mindformers.tools

    return hasattr(mindformers.tools, "set_output_path")


def prepare(config: str) -> None:
    """Make known what a config may name, and what its device needs."""
    from mindformers.tools.register import MindFormerConfig

    if not is_1x():  # with 1.x ``auto_register`` does it
        for part in ("cell", "callbacks"):
            importlib.import_module("ftd_train." + part)
    context = MindFormerConfig(config).context
    if context and context.device_target == "CPU":
        importlib.import_module("ftd_train.cpu_1x" if is_1x() else "ftd_train.cpu_0x").replace()


def train_1x(config: str, **overrides: Any) -> None:
    """Train as run_mindformer.py of mindformers 1.x does."""
    from mindformers.core.context import build_context
    from mindformers.tools import set_output_path
    from mindformers.tools.register import MindFormerConfig
    from mindformers.trainer import Trainer

    if overrides.get("load_checkpoint", "").endswith(".safetensors"):
        overrides["load_ckpt_format"] = "safetensors"
    settings = MindFormerConfig(config, **overrides)
    set_output_path(settings.output_dir)
    build_context(settings)
    Trainer(settings).train()


def train_0x(config: str, **overrides: Any) -> None:
    """Train as run_mindformer.py of mindformers 0.x does, on one device."""
    import numpy
    from mindformers.core.context import build_context
    from mindformers.core.parallel_config import build_parallel_config
    from mindformers.tools.register import MindFormerConfig
    from mindformers.trainer import build_trainer
    from mindspore.common import set_seed

    settings = MindFormerConfig(config, **overrides)
    build_context(settings)
    if settings.seed is not None:
        set_seed(settings.seed)
        numpy.random.seed(settings.seed)
    build_parallel_config(settings)
    # The network loads its weights when it is built. A training that goes on
    # needs the optimizer's as well, and so loads them later.
    if settings.resume_training:
        settings.model.model_config.checkpoint_name_or_path = None
    else:
        settings.model.model_config.checkpoint_name_or_path = settings.load_checkpoint
        settings.load_checkpoint = None
    build_trainer(settings.trainer).train(settings, is_full_config=True)
