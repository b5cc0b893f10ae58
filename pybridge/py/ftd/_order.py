"""Imports MindSpore before torch, whoever asks for torch first.

In an interpreter that had torch first, MindSpore finds none of its operators:
"Not found op ... on device CPU" at the first tensor.
"""

from __future__ import annotations

import contextlib
import importlib

from ftd import _hooks


def start() -> None:
    """Watch for torch from now on."""
    _hooks.before("torch", _mindspore)


def _mindspore() -> None:
    # An environment without MindSpore, or with a broken one, may use torch.
    with contextlib.suppress(ImportError):
        importlib.import_module("mindspore")
