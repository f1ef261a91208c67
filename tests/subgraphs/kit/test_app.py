"""What a module answers is JSON, whatever its scalars hold."""

from __future__ import annotations

import json

import pytest

from subgraphs.kit.app import _Subgraph


@pytest.mark.parametrize("value", ["ä €", "half of a character: \ud800", 2**70, -1.5, {"a": [True, None, {}]}])
def test_an_answer_is_written_whatever_stands_in_it(value: object) -> None:
    subgraph = object.__new__(_Subgraph)

    assert json.loads(subgraph.encode_json({"data": {"one": value}})) == {"data": {"one": value}}
