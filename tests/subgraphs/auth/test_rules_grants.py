"""What follows from what was granted: laws that hold whatever roles and lines there are."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.scopes import CUSTOMERS_SIDE, PERMISSIONS, QUALIFIERS, ROLES, covers
from subgraphs.auth.rules import grants as rules
from subgraphs.auth.rules.grants import AccessLine, Reach, RoleFacts
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind
from subgraphs.kit.errors import Invalid

ALLOW, DENY = CustomerAccessMode.ALLOW, CustomerAccessMode.DENY
C = [UUID(int=number) for number in range(6)]

whole = st.sampled_from(sorted(PERMISSIONS)[:12])
permission = st.one_of(whole, st.builds("{}.{}".format, whole, st.sampled_from(sorted(QUALIFIERS)[:3])))
roles = st.lists(
    st.builds(RoleFacts, st.frozensets(permission, max_size=6), st.frozensets(whole, max_size=3)), max_size=4
)
customers = st.sampled_from(C)
lines = st.lists(st.builds(AccessLine, customers, st.sampled_from(CustomerAccessMode), st.booleans()), max_size=6)
trees = st.dictionaries(customers, st.lists(customers, max_size=3), max_size=4)
kinds = st.sampled_from([UserKind.STAFF, UserKind.CUSTOMER, UserKind.COMANAGED])


# --- permissions


@given(roles)
def test_nothing_is_held_that_no_role_allows(held):
    assert rules.effective(held) <= frozenset().union(*(role.allows for role in held))


@given(roles)
def test_what_any_role_denies_is_not_held_whoever_allows_it(held):
    denied = frozenset().union(*(role.denies for role in held))

    assert [one for one in rules.effective(held) if covers(denied, one)] == []


@given(roles, roles)
def test_more_roles_without_denials_never_give_less(held, more):
    more = [RoleFacts(role.allows) for role in more]

    assert rules.effective(held) <= rules.effective([*held, *more]) | frozenset()


@given(roles, st.randoms())
def test_the_order_of_roles_means_nothing(held, random):
    shuffled = list(held)
    random.shuffle(shuffled)

    assert rules.effective(shuffled) == rules.effective(held)


def test_without_a_role_nothing_is_allowed():
    assert rules.effective([]) == frozenset()


@given(st.frozensets(permission), st.frozensets(permission))
def test_what_a_key_and_its_owner_have_in_common_is_covered_by_both(held, asked):
    for one in rules.common(held, asked):
        assert covers(held, one)
        assert covers(asked, one)


def test_a_key_for_the_whole_of_an_owner_who_holds_a_part_gives_the_part():
    assert rules.common({"tickets:read.own", "assets:read"}, {"tickets:read", "assets:write"}) == {"tickets:read.own"}
    assert rules.common({"tickets:read"}, {"tickets:read.own"}) == {"tickets:read.own"}


@given(st.frozensets(permission), st.frozensets(permission))
def test_whoever_lacks_nothing_of_it_holds_all_of_it(held, wanted):
    assert (rules.lacking(held, wanted) == []) == all(covers(held, one) for one in wanted)


# --- customers


@given(kinds, st.none() | customers, lines, trees)
def test_a_denied_customer_is_never_seen(kind, own, said, tree):
    found = rules.reach(kind, own, said, tree)

    assert found.customers is None or found.customers.isdisjoint(found.denied)
    assert {one.customer for one in said if one.mode is DENY} <= found.denied


@given(st.none() | customers, lines, trees)
def test_nobody_outside_ever_sees_every_customer(own, said, tree):
    for kind in (UserKind.CUSTOMER, UserKind.COMANAGED):
        assert rules.reach(kind, own, said, tree).customers is not None


@given(kinds, customers, lines, trees, customers)
def test_one_more_denial_never_shows_more(kind, own, said, tree, customer):
    before = rules.reach(kind, own, said, tree)
    after = rules.reach(kind, own, [*said, AccessLine(customer, DENY)], tree)

    assert before.contains(after)


@given(lines, trees)
def test_staff_sees_all_customers_exactly_as_long_as_no_line_allows_one(said, tree):
    found = rules.reach(UserKind.STAFF, None, said, tree)

    assert (found.customers is None) == all(line.mode is DENY for line in said)


@given(customers, trees)
def test_everybody_below_is_reached_also_in_a_circle(top, tree):
    found = rules.below(top, tree)

    assert all(child in found for child in tree.get(top, ()))
    assert all(child in found for one in found for child in tree.get(one, ()))


def test_children_come_along_where_the_line_says_so_and_a_denied_branch_does_not():
    tree = {C[0]: [C[1], C[2]], C[1]: [C[3]]}
    said = [AccessLine(C[0], ALLOW, children=True), AccessLine(C[1], DENY, children=True)]

    assert rules.reach(UserKind.STAFF, None, said, tree).customers == {C[0], C[2]}
    assert rules.reach(UserKind.STAFF, None, [AccessLine(C[0], ALLOW)], tree).customers == {C[0]}


reaches = st.builds(Reach, st.none() | st.frozensets(customers), st.frozensets(customers))


@given(reaches, st.frozensets(customers))
def test_a_limited_key_never_sees_what_its_owner_does_not(owner, limited):
    assert owner.contains(rules.narrowed(owner, limited))


@given(reaches, reaches)
def test_who_contains_another_sees_every_customer_that_the_other_sees(one, other):
    def sees(reach, customer):
        return (reach.customers is None or customer in reach.customers) and customer not in reach.denied

    if one.contains(other):
        assert all(sees(one, customer) for customer in C if sees(other, customer))


# --- who may have what


@pytest.mark.parametrize("kind", UserKind)
def test_each_side_has_its_own_roles(kind):
    fitting = {role for role in ROLES if rules.fits(kind, role, ROLES[role])}

    assert (
        fitting
        == {
            UserKind.STAFF: set(ROLES) - CUSTOMERS_SIDE,
            UserKind.CUSTOMER: {"portal_user", "portal_manager"},
            UserKind.COMANAGED: {"comanaged_technician"},
            UserKind.SERVICE: set(),
        }[kind]
    )


def test_a_role_of_ones_own_fits_people_of_customers_only_without_what_is_internal():
    assert rules.fits(UserKind.CUSTOMER, "viewer", {"tickets:read", "assets:read.own"})
    assert not rules.fits(UserKind.CUSTOMER, "viewer", {"tickets:read", "tickets:read_internal"})
    assert rules.fits(UserKind.STAFF, "viewer", {"tickets:read_internal"})
    assert not rules.fits(UserKind.SERVICE, "viewer", set())


@pytest.mark.parametrize("strange", ["*", "tickets:*", "tickets:read.mine", "tickets", "", "tickets:read "])
def test_a_role_has_no_wildcards_and_no_permission_that_there_is_not(strange):
    with pytest.raises(Invalid):
        rules.permissions([strange], field="permissions")


@pytest.mark.parametrize("key", ["owner", "technician", "x", "With Capitals", "a" * 64, "1st", ""])
def test_the_key_of_a_role_is_a_plain_word_and_no_system_roles(key):
    with pytest.raises(Invalid):
        rules.role_key(key)
