"""Keeps the accelerator cards free: in the daemon the device is the CPU."""

from __future__ import annotations

import os
from types import ModuleType

from ftd import _hooks

_pinned = False


def start(pinned: bool) -> None:
    """Hide the cards and pin MindSpore to the CPU as soon as it is imported."""
    global _pinned
    _pinned = pinned
    hide()
    if pinned:
        _hooks.after("mindspore", _pin)


def hide() -> None:
    """Hide the cards again, whatever a call's environment says."""
    if _pinned:
        os.environ["ASCEND_RT_VISIBLE_DEVICES"] = ""


def _pin(mindspore: ModuleType) -> None:
    mindspore.set_context(device_target="CPU")
