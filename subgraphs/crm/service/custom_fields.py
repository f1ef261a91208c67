"""Fields of one's own: their definitions, and the values that they let through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, and_, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from subgraphs.crm.models.relations import CustomField
from subgraphs.crm.rules import custom_fields as rules
from subgraphs.crm.rules.custom_fields import CustomEntity, CustomFieldType, Definition
from subgraphs.kit.errors import Conflict, Forbidden, Invalid
from subgraphs.kit.shapes import line
from subgraphs.kit.work import Work

INSIDERS = frozenset({"STAFF", "SERVICE", "SYSTEM"})
_MOST = 200


async def fields(work: Work, entity: CustomEntity | None = None) -> Sequence[CustomField]:
    """The definitions, in their order; those outside of the house see the ones that are shared with them."""
    query = select(CustomField).order_by(CustomField.entity, CustomField.position, CustomField.id)
    query = query if entity is None else query.where(CustomField.entity == entity)
    query = query if work.caller.kind in INSIDERS else query.where(CustomField.shared.is_(True))
    return (await work.session.scalars(query.limit(_MOST * len(CustomEntity)))).all()


async def definitions(work: Work, entity: CustomEntity) -> list[Definition]:
    """The definitions of one kind of thing, as the rules see them."""
    return [
        Definition(
            key=row.key,
            label=row.label,
            type=row.type,
            options=tuple(row.options),
            required=row.required,
            shared=row.shared,
            retired=row.archived_at is not None,
        )
        for row in await fields(work, entity)
    ]


async def shared_keys(work: Work, tenants: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    """The keys that are shared with those outside, as `<ENTITY>.<key>`, for the tenant that asks."""
    found = [f"{row.entity.value}.{row.key}" for row in await fields(work)]
    return dict.fromkeys(tenants, found)


async def applied(
    work: Work, entity: CustomEntity, entered: Any, before: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """All values of a thing after some were entered; `before` is None when the thing is new."""
    if before is not None and entered is None:
        return dict(before)
    known = await definitions(work, entity)
    values = rules.merged(known, entered, before or {})
    rules.check_required(known, values)
    return values


async def create_custom_field(
    work: Work, *, entity: CustomEntity, key: str, label: str, type: CustomFieldType, **described: Any
) -> CustomField:
    """Give a kind of thing another field; what is there already has no value in it."""
    _inside(work)
    row = CustomField(
        entity=entity,
        key=rules.key(key, field="key"),
        label=line(label, field="label", longest=100),
        type=type,
        options=rules.options(type, described.get("options"), field="options"),
        required=bool(described.get("required")),
        shared=bool(described.get("shared")),
        position=_position(described.get("position")),
    )
    if len(await fields(work, entity)) >= _MOST:
        raise Invalid(f"A kind of thing has at most {_MOST} fields of one's own.", field="entity")
    try:
        async with work.session.begin_nested():
            work.add(row)
            await work.session.flush()
    except IntegrityError as error:
        if "custom_field_key" not in str(error.orig):
            raise
        raise Conflict(f"There is a field with the key {row.key} already.", field="key") from error
    return row


async def update_custom_field(work: Work, id: UUID, version: int | None = None, **changes: Any) -> CustomField:
    """Change how a field is called and what it lets through; its key and its type stay. A field can be retired."""
    _inside(work)
    row = await work.take(CustomField, id, field="id", version=version)
    if changes.get("label") is not None:
        row.label = line(changes["label"], field="label", longest=100)
    if changes.get("options") is not None:
        row.options = rules.options(row.type, changes["options"], field="options")
    for name in ("required", "shared"):
        if changes.get(name) is not None:
            setattr(row, name, changes[name])
    if changes.get("position") is not None:
        row.position = _position(changes["position"])
    if changes.get("retired") is not None:
        row.archived_at = (row.archived_at or work.at) if changes["retired"] else None
    return row


async def asked(
    work: Work, entity: CustomEntity, column: Any, wanted: Sequence[Any] | None
) -> list[ColumnElement[bool]]:
    """What filters of such fields ask of rows; `column` is the one with the values."""
    if not wanted:
        return []
    known = {one.key: one for one in await definitions(work, entity)}
    return [_asked(known.get(one.key), column, one) for one in wanted]


def _asked(definition: Definition | None, column: Any, one: Any) -> ColumnElement[bool]:
    if definition is None:
        raise Invalid(f"There is no field {one.key!r} here.", field="customFields")
    asks: list[ColumnElement[bool]] = []
    if one.equals is not None:
        asks.append(column.op("@>")(cast(literal({one.key: rules.stored_value(definition, one.equals)}, JSONB), JSONB)))
    if one.contains is not None:
        asks.append(column[one.key].astext.icontains(one.contains, autoescape=True))
    for bound, below in ((one.at_least, False), (one.at_most, True)):
        if bound is not None:
            value = _ordered(definition, bound)
            values = _values(definition, column)
            asks.append(values <= value if below else values >= value)
    if one.is_set is not None:
        has = column.has_key(one.key)
        asks.append(has if one.is_set else ~has)
    return and_(*asks) if asks else column.has_key(one.key)


def _values(definition: Definition, column: Any) -> Any:
    text = column[definition.key].astext
    return cast(text, Numeric) if definition.type is CustomFieldType.NUMBER else text


def _ordered(definition: Definition, bound: str) -> Any:
    if definition.type not in rules.ORDERED:
        raise Invalid(f"{definition.label} has no order.", field=f"customFields.{definition.key}")
    stored = rules.stored_value(definition, bound)
    return cast(literal(stored), Numeric) if definition.type is CustomFieldType.NUMBER else literal(stored)


def _inside(work: Work) -> None:
    if work.caller.kind not in INSIDERS or work.caller.customers is not None:
        raise Forbidden("Only staff define fields.")


def _position(value: int | None) -> int:
    if value is not None and not 0 <= value <= 10_000:
        raise Invalid("position must be between 0 and 10000.", field="position")
    return value or 0
