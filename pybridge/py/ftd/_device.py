"""Keeps the accelerator cards free: in the daemon the device is the CPU."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import sys
from types import ModuleType
from typing import Any, Sequence

_pinned = False


def start(pinned: bool) -> None:
    """Hide the cards and pin MindSpore to the CPU as soon as it is imported."""
    global _pinned
    _pinned = pinned
    hide()
    if pinned:
        sys.meta_path.insert(0, _Finder())


def hide() -> None:
    """Hide the cards again, whatever a call's environment says."""
    if _pinned:
        os.environ["ASCEND_RT_VISIBLE_DEVICES"] = ""


class _Finder(importlib.abc.MetaPathFinder):
    """Finds mindspore as the others do, and adds a line to its loading."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "mindspore":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """MindSpore's own loader, then the device target."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._real.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._real.exec_module(module)
        module.set_context(device_target="CPU")
