"""The table of figures names tests that are there, and no figure without a mutant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.drills.figures import FIGURES, Figure

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.number)
def test_every_figure_has_proofs_and_mutants_that_are_there(figure: Figure) -> None:
    assert figure.proofs
    assert figure.mutants
    for test in (*figure.proofs, *figure.mutants):
        path, _, name = test.partition("::")
        name = name.partition("[")[0]
        source = (ROOT / path).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", source, re.MULTILINE), test
