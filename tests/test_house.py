"""What is true of every file: it says what it is for, and nobody keeps a drawer for odds and ends."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests import repository
from tests.repository import ROOT

DRAWERS = {"utils", "util", "common", "helpers", "helper", "base", "core", "misc", "manager", "shared", "lib"}


def ours() -> list[Path]:
    """Every Python file of the house."""
    return [path for path in repository.files() if path.suffix == ".py" or path == ROOT / "dev"]


@pytest.mark.parametrize("path", ours(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_opens_with_a_sentence_about_what_it_is_for(path):
    words = ast.get_docstring(ast.parse(path.read_text()))

    assert words, "there is no docstring"
    assert words.split("\n\n")[0].rstrip().endswith((".", "?", ":")), words.split("\n\n")[0]


def test_nothing_is_called_after_a_drawer():
    assert [
        str(path) for path in ours() if DRAWERS & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    ] == []


def test_no_file_is_longer_than_one_reader_can_hold():
    long = {str(path.relative_to(ROOT)): count for path in ours() if (count := path.read_text().count("\n")) > 600}

    assert long == {}
