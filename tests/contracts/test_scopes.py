"""The catalogue and the matrix of roles: every cell as the domain has it, and laws that hold for whatever is added."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scopes import (
    AUDITED,
    CUSTOMERS_SIDE,
    MATRIX,
    PERMISSIONS,
    QUALIFIERS,
    ROLE_NAMES,
    ROLES,
    SERVICE_ACCOUNT,
    covers,
    expanded,
    known,
)

COLUMNS = tuple(ROLE_NAMES)

# One line per cell group of the matrix, in the order of COLUMNS: what the role holds of the permission named first.
# `x` the whole permission, `-` nothing, anything else the qualifier that narrows it.
CELLS = {
    "customers:read": "x x x x x x x x x x x x x x",
    "customers:write": "x x x - x x x - - - - - - -",
    "contracts:read": "x x x - x x x x x - x - x -",
    "contracts:write": "x x - - - x x - - - - - - -",
    "contracts:approve": "x - - - - - - - - - - - - -",
    "quotes:read": "x x - - - x x x x - x - x -",
    "quotes:write": "x x - - - x - - x - - - - -",
    "quotes:approve": "x - - - - - - - - - - - x -",
    "tickets:read": "x x x x x x x x x x x own x x",
    "tickets:write": "x x x x x - - x - x - own x x",
    "tickets:read_internal": "x x x x x - - x x x x - - -",
    "tickets:assign": "x x x own x - - x - x - - - -",
    "tickets:merge": "x x x own x - - x - x - - - -",
    "time:write": "x x team own own own - own own own - - - own",
    "time:read": "x x team own team own x project own own x - - own",
    "time:approve": "x x team - team - x project - - - - - -",
    "invoices:read": "x x - - - own x project - - x - x -",
    "invoices:write": "x - - - - - x - - - - - - -",
    "invoices:approve": "x - - - - - x - - - - - - -",
    "invoices:issue": "x - - - - - x - - - - - - -",
    "invoices:cancel": "x - - - - - x - - - - - - -",
    "payments:write": "x - - - - - x - - - - - - -",
    "dunning:write": "x - - - - - x - - - - - - -",
    "datev:export": "x - - - - - x - - - - - - -",
    "costs:read": "x x - - - - x project - - - - - -",
    "rates:read": "x x - - - - x project - - - - - -",
    "assets:read": "x x x x x x x x x x x own x x",
    "assets:write": "x x - x x - - - x - - - - x",
    "projects:read": "x x x own x x x x x - x - x own",
    "projects:write": "x x - own x - - x x - - - - own",
    "reports:read": "x x team own team sales finance project x security x - - shared",
    "reports:read_people": "x - - - - - - - - - - - - -",
    "qbr:read": "x x - - - - - - x - x - x -",
    "workflows:read": "x x x - x - - - - x - - - -",
    "workflows:write": "x x - - - - - - - - - - - -",
    "workflows:publish": "x x - - - - - - - - - - - -",
    "security:read": "x x - - - - - - - x - - summary -",
    "security:write": "x - - - - - - - - x - - - -",
    "containment:approve": "x - - - - - - - - x - - - -",
    "integrations:write": "x x - - - - - - - - - - - -",
    "secrets:admin": "x x - - - - - - - - - - - -",
    "backup:read": "x x x x x - - - x x x - x -",
    "backup:write": "x x - - x - - - - - - - - -",
    "restore:run": "x x - - - - - - - - - - - -",
    "users:read": "x x names names names names names names names names names - company -",
    "users:write": "x x - - - - - - - - - - company -",
    "roles:write": "x x - - - - - - - - - - - -",
    "apikeys:write": "x x - - - - - - - - - - - -",
    "audit:read": "x x - - - - finance - - security - - - -",
    "tenant:admin": "x x - - - - - - - - - - - -",
}

SERVICE_CELLS = {
    "customers:write": True,
    "contracts:write": True,
    "quotes:write": True,
    "tickets:write": True,
    "tickets:read_internal": False,
    "tickets:assign": False,
    "time:write": False,
    "invoices:write": True,
    "invoices:approve": False,
    "payments:write": True,
    "datev:export": True,
    "costs:read": False,
    "assets:write": True,
    "projects:write": True,
    "reports:read": False,
    "workflows:read": False,
    "security:write": True,
    "integrations:read": False,
    "backup:write": True,
    "users:read": False,
    "audit:read": False,
}

permissions = st.sampled_from(sorted(PERMISSIONS))
qualified = st.builds(
    lambda permission, qualifier: f"{permission}{qualifier}",
    permissions,
    st.sampled_from(["", *(f".{one}" for one in QUALIFIERS)]),
)


@pytest.mark.parametrize("permission", CELLS)
def test_each_role_holds_of_a_permission_what_the_matrix_says(permission):
    held = []
    for role in COLUMNS:
        parts = [one for one in ROLES[role] if one.partition(".")[0] == permission]
        held.append("x" if permission in parts else "".join(one.partition(".")[2] for one in parts) or "-")

    assert dict(zip(COLUMNS, held, strict=True)) == dict(zip(COLUMNS, CELLS[permission].split(), strict=True))


def test_a_service_account_may_get_what_the_fifteenth_column_says_and_never_a_qualified_permission():
    assert {one: one in SERVICE_ACCOUNT for one in SERVICE_CELLS} == SERVICE_CELLS
    assert set(PERMISSIONS) >= SERVICE_ACCOUNT


def test_every_role_holds_only_what_there_is_and_wildcards_stand_in_system_roles_alone():
    assert [(role, one) for role in ROLES for one in ROLES[role] if not known(one)] == []
    assert [one for one in PERMISSIONS if "*" in one or "." in one] == []
    assert {role for role, patterns in MATRIX.items() if "*" in patterns} == {
        "owner",
        "admin",
        "accountant",
        "soc_analyst",
    }
    assert ROLE_NAMES.keys() == MATRIX.keys() == ROLES.keys()
    assert set(ROLES) >= CUSTOMERS_SIDE


def test_the_owner_holds_everything_so_that_everything_can_be_given():
    assert ROLES["owner"] == set(PERMISSIONS)
    assert all(covers(ROLES["owner"], one) for role in ROLES for one in ROLES[role])


def test_nobody_on_the_customers_side_holds_what_is_internal():
    for role in CUSTOMERS_SIDE:
        inside = {"tickets:read_internal", "audit:read", "costs:read", "rates:read", "impersonate", "customers:write"}
        assert ROLES[role] & inside == set()


def test_narrowed_audits_name_qualifiers():
    assert AUDITED.keys() <= QUALIFIERS.keys()


@given(qualified)
def test_what_is_in_the_catalogue_is_known_with_every_qualifier_and_without(permission):
    assert known(permission)


@given(st.text(max_size=30).filter(lambda one: one.partition(".")[0] not in PERMISSIONS))
def test_what_is_not_in_the_catalogue_is_not_known(permission):
    assert not known(permission)


@given(st.sets(qualified), qualified)
def test_nothing_is_covered_but_what_is_held_and_its_parts(held, wanted):
    assert covers(held, wanted) == any(one == wanted or wanted.startswith(f"{one}.") for one in held)


@given(st.sets(qualified, max_size=5), st.sets(qualified, max_size=5), qualified)
def test_more_never_covers_less(held, more, wanted):
    assert not covers(held, wanted) or covers(held | more, wanted)


@given(permissions)
def test_a_part_never_covers_the_whole(permission):
    assert not covers({f"{permission}.{one}" for one in QUALIFIERS}, permission)


@given(permissions)
def test_a_wildcard_stands_for_every_action_of_its_resource_and_no_other(permission):
    resource = permission.partition(":")[0]

    assert expanded([f"{resource}:*"]) == {one for one in PERMISSIONS if one.startswith(f"{resource}:")}
    assert expanded(["*"]) == set(PERMISSIONS)
    assert expanded([f"{permission}.own"]) == {f"{permission}.own"}
