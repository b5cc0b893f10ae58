"""Adds to the import of a module what must happen just before or after it."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from types import ModuleType
from typing import Any, Callable, Sequence

_before: dict[str, Callable[[], None]] = {}
_after: dict[str, Callable[[ModuleType], None]] = {}


def before(name: str, action: Callable[[], None]) -> None:
    """Call ``action`` whenever the module is about to run for the first time."""
    _before[name] = action
    _start()


def after(name: str, action: Callable[[ModuleType], None]) -> None:
    """Call ``action`` with the module as soon as it has run."""
    _after[name] = action
    _start()


def _start() -> None:
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder):
    """Finds a module as the other finders do. Looking for it is not yet importing it."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in _before and name not in _after:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """The module's own loader, which it gets back when it runs."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._real.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        module.__loader__ = self._real
        if module.__spec__ is not None:
            module.__spec__.loader = self._real
        if name in _before:
            _before[name]()
        self._real.exec_module(module)
        if name in _after:
            _after[name](module)
