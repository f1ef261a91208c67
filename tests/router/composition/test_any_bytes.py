"""Whatever text a subgraph brings, composition ends in a supergraph or in coded errors."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from router.composition.compose import Composed, Refused, SubgraphSource, supergraph
from router.federation.codes import ERRORS
from tests.router.composition.corpus_cases import cases

SETS = [case.subgraphs for case in cases()]
TOKENS = re.compile(r"\w+|\"[^\"\n]*\"|\s+|.", re.DOTALL)


def damaged(sdl: str, random: Random) -> str:
    """The text with a few tokens dropped, doubled or swapped."""
    tokens = TOKENS.findall(sdl) or [""]
    for _ in range(random.randint(1, 3)):
        at, other = random.randrange(len(tokens)), random.randrange(len(tokens))
        match random.randrange(3):
            case 0:
                tokens[at] = ""
            case 1:
                tokens[at] += tokens[other]
            case _:
                tokens[at], tokens[other] = tokens[other], tokens[at]
    return "".join(tokens)


def ends_well(sources: list[SubgraphSource]) -> None:
    match supergraph(sources):
        case Composed(sdl):
            assert sdl.startswith(("schema", '"""'))
        case Refused(errors):
            assert errors
            assert {error.code for error in errors} <= ERRORS.keys()


@given(st.integers(0, len(SETS) - 1), st.randoms(use_true_random=False))
def test_damaged_schemas_end_in_codes(index: int, random: Random) -> None:
    ends_well([SubgraphSource(s.name, s.url, damaged(s.sdl, random)) for s in SETS[index]])


@given(st.text(max_size=60))
def test_any_text_ends_in_codes(text: str) -> None:
    ends_well([SubgraphSource("a", None, text)])
