"""SCIM filters as SQL: which column an attribute is, how it is compared, and nothing that anybody wrote in the text of a statement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, assert_never

from sqlalchemy import ColumnElement, Text, and_, cast, func, literal, not_, or_, select, true

from subgraphs.auth.models.people import Team, TeamMember, User
from subgraphs.auth.models.scim import ScimResource
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.rules.scim_filters import BadFilter, Both, Compare, Either, Filter, Not, Present, Some, Value


@dataclass(frozen=True, slots=True)
class Words:
    """A text; in any case, unless it is an identifier."""

    expression: Any
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """True or false."""

    expression: Any


@dataclass(frozen=True, slots=True)
class Time:
    """A moment."""

    expression: Any


@dataclass(frozen=True, slots=True)
class Members:
    """The users of a team: several values."""


Attribute = Words | Truth | Time | Members
Attributes = Mapping[str, Attribute]


def _external(kind: str, identity: Any) -> Any:
    found = select(ScimResource.external_id).where(ScimResource.kind == kind, ScimResource.id == identity)
    return found.scalar_subquery()


USERS: Final[Attributes] = MappingProxyType(
    {
        "id": Words(cast(User.id, Text), exact=True),
        "externalid": Words(_external("User", User.id), exact=True),
        "username": Words(User.email),
        "emails": Words(User.email),
        "emails.value": Words(User.email),
        "emails.type": Words(literal("work")),
        "emails.primary": Truth(true()),
        "displayname": Words(User.display_name),
        "name.formatted": Words(User.display_name),
        "name.givenname": Words(User.first_name),
        "name.familyname": Words(User.last_name),
        "locale": Words(User.locale),
        "timezone": Words(User.time_zone),
        "active": Truth(User.status == UserStatus.ACTIVE),
        "meta.created": Time(User.created_at),
        "meta.lastmodified": Time(User.updated_at),
    }
)
GROUPS: Final[Attributes] = MappingProxyType(
    {
        "id": Words(cast(Team.id, Text), exact=True),
        "externalid": Words(_external("Group", Team.id), exact=True),
        "displayname": Words(Team.name),
        "members": Members(),
        "members.value": Members(),
        "meta.created": Time(Team.created_at),
        "meta.lastmodified": Time(Team.updated_at),
    }
)


def condition(wanted: Filter, attributes: Attributes, *, within: str = "") -> ColumnElement[bool]:
    """A filter as a condition that is true or false and never null, so that `not` means what it says."""
    match wanted:
        case Compare(path, operator, value):
            return _compared(_attribute(attributes, within, path), operator, value)
        case Present(path):
            return _present(_attribute(attributes, within, path))
        case Not(inner):
            return not_(condition(inner, attributes, within=within))
        case Both(left, right):
            return and_(condition(left, attributes, within=within), condition(right, attributes, within=within))
        case Either(left, right):
            return or_(condition(left, attributes, within=within), condition(right, attributes, within=within))
        case Some(path, inner):
            _attribute(attributes, within, path)
            return condition(inner, attributes, within=f"{path}.")
        case _:
            assert_never(wanted)


def _attribute(attributes: Attributes, within: str, path: str) -> Attribute:
    found = attributes.get(f"{within}{path}")
    if found is None:
        raise BadFilter(f"There is no attribute {within}{path}.")
    return found


def _present(attribute: Attribute) -> ColumnElement[bool]:
    match attribute:
        case Words(expression):
            return func.coalesce(expression, "") != ""
        case Truth() | Time():
            return true()
        case Members():
            return Team.id.in_(select(TeamMember.team_id))
        case _:
            assert_never(attribute)


def _compared(attribute: Attribute, operator: str, value: Value) -> ColumnElement[bool]:
    if value is None:
        if operator not in {"eq", "ne"}:
            raise BadFilter(f"Nothing is {operator} null.")
        return _present(attribute) if operator == "ne" else not_(_present(attribute))
    match attribute:
        case Words(expression, exact):
            return _words(expression, operator, _text(value), exact=exact)
        case Truth(expression):
            return _truth(expression, operator, value)
        case Time(expression):
            return _ordered(expression, operator, _moment(_text(value)))
        case Members():
            return _members(operator, _text(value))
        case _:
            assert_never(attribute)


def _words(expression: Any, operator: str, value: str, *, exact: bool) -> ColumnElement[bool]:
    there: Any = func.coalesce(expression, "")
    have, value = (there, value) if exact else (func.lower(there), value.lower())
    match operator:
        case "co":
            return have.contains(value, autoescape=True)
        case "sw":
            return have.startswith(value, autoescape=True)
        case "ew":
            return have.endswith(value, autoescape=True)
        case _:
            return _ordered(have, operator, value)


def _truth(expression: Any, operator: str, value: Value) -> ColumnElement[bool]:
    if operator not in {"eq", "ne"} or not isinstance(value, bool):
        raise BadFilter("A truth is eq or ne true or false.")
    wanted = value is (operator == "eq")
    return and_(true(), expression) if wanted else not_(expression)


_ORDER: Final[Mapping[str, Callable[[Any, Any], Any]]] = MappingProxyType(
    {
        "eq": lambda have, value: have == value,
        "ne": lambda have, value: have != value,
        "gt": lambda have, value: have > value,
        "ge": lambda have, value: have >= value,
        "lt": lambda have, value: have < value,
        "le": lambda have, value: have <= value,
    }
)


def _ordered(expression: Any, operator: str, value: Any) -> ColumnElement[bool]:
    if operator not in _ORDER:
        raise BadFilter(f"A moment is not {operator} anything.")
    found: ColumnElement[bool] = _ORDER[operator](expression, value)
    return found


def _members(operator: str, value: str) -> ColumnElement[bool]:
    if operator not in {"eq", "ne"}:
        raise BadFilter("Members are eq or ne.")
    of = select(TeamMember.team_id).where(cast(TeamMember.user_id, Text) == value.lower())
    return Team.id.in_(of) if operator == "eq" else Team.id.not_in(of)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise BadFilter(f"{value!r} is no text.")
    return value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadFilter(f"{text!r} is no moment.") from None
    if moment.tzinfo is None:
        raise BadFilter(f"{text!r} does not say in which time zone.")
    return moment
