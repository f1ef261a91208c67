"""The kit, and the modules of one shape that are built from it."""

from pathlib import Path

MODULES: tuple[str, ...] = tuple(sorted(found.parent.name for found in Path(__file__).parent.glob("*/module.py")))
"""Every module there is, by name: a folder with a manifest is a module. Nothing is imported to find them."""
MODULES = tuple(name for name in MODULES if name != "kit")
