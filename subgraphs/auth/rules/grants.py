"""What follows from what was granted, with no I/O: permissions, customers, and who may give whom what.

permissions   the union of what all roles allow, without what any of them denies; nothing is allowed by itself
customers     None (all) unless there is a line that allows one; then those, and their children where a line says so;
a line that denies a customer hides it whatever else there is
granting      only what one holds oneself, to people on the right side of the counter, within one's own customers
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from contracts.scopes import CUSTOMERS_SIDE, PERMISSIONS, ROLES, covers, known
from subgraphs.auth.rules.people import CustomerAccessMode, UserKind
from subgraphs.kit.errors import Invalid

_KEY = re.compile(r"[a-z][a-z0-9_]{1,62}")

OUTSIDE = frozenset[str]().union(*(ROLES[role] for role in CUSTOMERS_SIDE))
"""All that anybody on the customers' side may ever hold."""

_SIDES: Mapping[UserKind, frozenset[str]] = {
    UserKind.STAFF: frozenset(ROLES) - CUSTOMERS_SIDE,
    UserKind.CUSTOMER: frozenset({"portal_user", "portal_manager"}),
    UserKind.COMANAGED: frozenset({"comanaged_technician"}),
    UserKind.SERVICE: frozenset(),
}


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """What a role consists of."""

    allows: frozenset[str]
    denies: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AccessLine:
    """What was said about one user and one customer."""

    customer: UUID
    mode: CustomerAccessMode
    children: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose rows are visible."""

    customers: frozenset[UUID] | None
    """None means every customer of the tenant."""
    denied: frozenset[UUID] = frozenset()

    def contains(self, other: Reach) -> bool:
        """Whether everything that `other` sees is visible here, too."""
        if other.customers is None:
            return self.customers is None and self.denied <= other.denied
        theirs = other.customers - other.denied
        return theirs.isdisjoint(self.denied) and (self.customers is None or theirs <= self.customers)


def effective(roles: Iterable[RoleFacts]) -> frozenset[str]:
    """The permissions of somebody with these roles: default deny, and DENY beats ALLOW."""
    held = list(roles)
    denied = frozenset[str]().union(*(role.denies for role in held))
    allowed = frozenset[str]().union(*(role.allows for role in held))
    return frozenset(one for one in allowed if not covers(denied, one))


def common(held: Collection[str], asked: Iterable[str]) -> frozenset[str]:
    """What of `asked` is covered by `held`; where only a narrower part is held, that part."""
    found = set()
    for wanted in asked:
        if covers(held, wanted):
            found.add(wanted)
        else:
            found.update(one for one in held if one.startswith(f"{wanted}."))
    return frozenset(found)


def lacking(held: Collection[str], wanted: Iterable[str]) -> list[str]:
    """What of `wanted` somebody who holds `held` cannot give to anybody."""
    return sorted(one for one in wanted if not covers(held, one))


def reach(
    kind: UserKind, own: UUID | None, lines: Iterable[AccessLine], children: Mapping[UUID, Collection[UUID]]
) -> Reach:
    """Whose rows a user sees; `own` is the customer for whom they work, `children` who belongs to whom directly."""
    known_lines = list(lines)
    allowed = {one.customer for one in known_lines if one.mode is CustomerAccessMode.ALLOW}
    denied = {one.customer for one in known_lines if one.mode is CustomerAccessMode.DENY}
    for line in known_lines:
        if line.children:
            (allowed if line.mode is CustomerAccessMode.ALLOW else denied).update(below(line.customer, children))
    if own is not None:
        allowed.add(own)
    limited = bool(allowed) or kind in {UserKind.CUSTOMER, UserKind.COMANAGED}
    return Reach(frozenset(allowed) - frozenset(denied) if limited else None, frozenset(denied))


def below(customer: UUID, children: Mapping[UUID, Collection[UUID]]) -> frozenset[UUID]:
    """Everybody who belongs to a customer, directly or not."""
    found: set[UUID] = set()
    waiting = [customer]
    while waiting:
        new = set(children.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return frozenset(found)


def narrowed(whole: Reach, customers: Collection[UUID]) -> Reach:
    """What a key or a program of somebody sees that is limited to these customers; to none of them: what they see."""
    if not customers:
        return whole
    seen = frozenset(customers) - whole.denied
    return Reach(seen if whole.customers is None else seen & whole.customers, whole.denied)


def fits(kind: UserKind, role_key: str, permissions: Collection[str]) -> bool:
    """Whether people of this kind may have this role: the customers' side holds nothing of the inside, nor vice versa."""
    if role_key in ROLES:
        return role_key in _SIDES[kind]
    if kind is UserKind.SERVICE:
        return False
    return kind is UserKind.STAFF or not lacking(OUTSIDE, permissions)


def role_key(value: str) -> str:
    """The key of a role of a tenant's own; raises `Invalid`."""
    if not _KEY.fullmatch(value) or value in ROLES:
        raise Invalid("key has 2 to 63 of a-z, 0-9 and _, begins with a letter, and is no system role's.", field="key")
    return value


def permissions(values: Iterable[str], *, field: str, whole: bool = False) -> list[str]:
    """Permissions as they are stored, each once; raises `Invalid` for what there is not, and for wildcards."""
    given = sorted(set(values))
    strange = [one for one in given if not (one in PERMISSIONS if whole else known(one))]
    if strange:
        raise Invalid(f"There is no permission {strange[0]!r}.", field=field)
    return given


def cost_rate(value: Decimal) -> Decimal:
    """What an hour costs: not less than nothing, to a hundredth of a cent; raises `Invalid`."""
    if not value.is_finite() or not 0 <= value < Decimal(10**8):
        raise Invalid("costRate is an amount of money, not less than 0.", field="costRate")
    return value.quantize(Decimal("0.0001"), ROUND_HALF_UP)
