"""Modules that are imported when they are first needed: a router over plain HTTP, alone, is ready twice as soon.

if TYPE_CHECKING:
import httpx2
else:
httpx2 = later("httpx2")
"""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Later:
    """Stands for a module until somebody looks into it; that import happens once, as any other."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


def later(name: str) -> Any:
    """Return what stands for the module of this name."""
    return _Later(name)
