"""What the other modules know of the customers, as if they had been told: who they are, whom to write to, what is being worked on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.local.scale.bulk import Table
from deploy.local.scale.customers import REFERENCE, Customer, Rows, references

PERSON = Table("contact_copy", ("contact_id", "customer_id", "name", "email", "at"), {"active": True})
LANGUAGE = Table("customer_copy", ("customer_id", "language", "at"))


def rows(customers: Sequence[Customer]) -> Mapping[str, Rows]:
    """The rows of each of these modules."""
    known = [row for one in customers for row in references(one, "Customer")]
    return {
        "auth": [(REFERENCE, [row for one in customers for row in references(one, "Customer", "Contact")])],
        "integrations": [(REFERENCE, known)],
        "notify": [
            (REFERENCE, known),
            (PERSON, [(who.id, one.id, f"{who.first} {who.last}", who.email, one.began) for one in customers for who in one.contacts]),
            (LANGUAGE, [(one.id, one.language, one.began) for one in customers]),
        ],
    }  # fmt: skip
