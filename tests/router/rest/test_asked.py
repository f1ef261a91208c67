"""What a URL asks for, read without a server."""

from __future__ import annotations

import pytest

from router.rest import asked
from router.rest.problems import Problem


def test_names_come_with_commas_between_them_each_once() -> None:
    assert asked.of_thing([("fields", "number, title,number")]).fields == ("number", "title")
    assert asked.of_thing([]).fields is None


@pytest.mark.parametrize("param", ["fields", "expand"])
@pytest.mark.parametrize("text", ["", ",", "number,", " ,number"])
def test_a_name_that_is_empty_is_refused(param: str, text: str) -> None:
    with pytest.raises(Problem) as refused:
        asked.of_thing([(param, text)])

    assert refused.value.code == "INVALID_PARAMETER"
    assert [fault.param for fault in refused.value.faults] == [param]
