"""What is missing in an answer, as a partner reads it: places in the body, and nothing of the graph's own paths."""

from __future__ import annotations

from typing import Any

import pytest

from router.rest import gaps


def refused(*path: str | int) -> dict[str, Any]:
    return {"message": "Not for you.", "path": list(path), "extensions": {"code": "FORBIDDEN"}}


@pytest.mark.parametrize(
    ("path", "above", "within", "told"),
    [
        (("ticket", "customer", "name"), 1, "", {"pointer": "/customer/name"}),
        (("tickets", "nodes", 3, "customer"), 2, gaps.LISTED, {"pointer": "/data/3/customer"}),
        (("tickets", "nodes", "@", "customer"), 2, gaps.LISTED, {"pointer": "/data", "field": "customer"}),
        (("ticket", "contacts", "@", "site", "name"), 1, "", {"pointer": "/contacts", "field": "site.name"}),
        (("t", "@", "contacts", "@", "email"), 1, gaps.LISTED, {"pointer": "/data", "field": "contacts.email"}),
        (("createTicket", "ticket", "customer"), 2, "", {"pointer": "/customer"}),
        (("createTicket",), 2, "", {"pointer": ""}),
    ],
)
def test_a_path_of_the_graph_is_a_pointer_into_the_body(
    path: tuple[str | int, ...], above: int, within: str, told: dict[str, str]
) -> None:
    warning = gaps.warning(refused(*path), above, within)

    assert warning == {**told, "code": "FORBIDDEN", "detail": "Not for you."}


def test_what_every_row_lacks_this_one_lacks_too() -> None:
    errors = [refused("teams", "@", "members"), refused("teams", 1, "lead"), refused("teams", 2, "lead")]

    assert [error["path"] for error in gaps.of_row(errors, 2)] == [["teams", 2, "members"], ["teams", 2, "lead"]]
    assert gaps.of_row([refused("teams")], 2) == [refused("teams")]
    assert gaps.of_row([{"message": "Away."}], 2) == [{"message": "Away."}]
