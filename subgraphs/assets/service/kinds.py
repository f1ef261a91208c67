"""Kinds of assets: those that every tenant knows, those that it made for itself, and what fields of their own they have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from sqlalchemy import func, select

from subgraphs.assets.errors import TooManyTypes, TypeKeyTaken
from subgraphs.assets.models import AssetType
from subgraphs.assets.rules import assets as rules
from subgraphs.assets.rules.assets import SystemType
from subgraphs.kit.errors import Forbidden, Invalid, NotFound
from subgraphs.kit.shapes import line, optional_line
from subgraphs.kit.work import Work

LONGEST_ATTRIBUTES = 20_000


async def own_types(work: Work, tenants: Sequence[UUID]) -> Mapping[UUID, Sequence[AssetType]]:
    """The asset types that each tenant made for itself, by key; PostgreSQL shows no tenant but the caller's."""
    most = rules.MOST_OWN_TYPES
    return await work.per_parent(AssetType, AssetType.tenant_id, tenants, order=(AssetType.key,), limit=most)


async def create(
    work: Work,
    *,
    key: str,
    name: str,
    counts_as_device: bool,
    parent: str | None = None,
    icon: str | None = None,
    attribute_schema: Any = None,
    holds_data: bool | None = None,
) -> AssetType:
    """Make a kind of asset that the platform does not know."""
    if work.caller.customers is not None:
        raise Forbidden("Asset types are shared by all customers; you work for some of them.", field="key")
    # One at a time for each tenant, so that two can neither take the same key nor the last place.
    lock = func.hashtextextended(f"asset_type/{work.caller.tenant}", 0)
    await work.session.execute(select(func.pg_advisory_xact_lock(lock)))
    own = set(await work.session.scalars(select(AssetType.key)))
    if rules.type_key(key) in own | rules.SYSTEM_TYPES.keys():
        raise TypeKeyTaken(f"There is an asset type {key!r} already.", field="key")
    if len(own) >= rules.MOST_OWN_TYPES:
        raise TooManyTypes(f"There are {rules.MOST_OWN_TYPES} asset types of your own; that is the most.", field="key")
    if parent is not None:
        await known(work, parent, field="parent")
    named, pictured = line(name, field="name"), optional_line(icon, field="icon", longest=50)
    return work.add(
        AssetType(
            key=key,
            name=named,
            parent=parent,
            counts_as_device=counts_as_device,
            icon=pictured,
            attribute_schema=schema_of_fields(attribute_schema),
            holds_data=holds_data,
        ),
    )


async def known(work: Work, key: str | None, *, field: str) -> SystemType | AssetType:
    """The kind of asset with this key; raises `NotFound` naming `field`."""
    found = rules.SYSTEM_TYPES.get(key or "") or await work.session.scalar(
        select(AssetType).where(AssetType.key == key)
    )
    if found is None:
        raise NotFound(f"There is no asset type {key!r}.", field=field)
    return found


async def holders(work: Work) -> Mapping[str, tuple[bool | None, str | None]]:
    """What the tenant said of its own types: whether they hold data, and what they are a kind of."""
    own = (await work.session.scalars(select(AssetType))).all()
    return {row.key: (row.holds_data, row.parent) for row in own}


def check_attributes(kind: SystemType | AssetType, attributes: Any) -> None:
    """Raise `Invalid` when what is known of an asset does not fit the schema that its type has for it."""
    schema = kind.attribute_schema if isinstance(kind, AssetType) else None
    if schema is None:
        return
    trouble = next(Draft202012Validator(schema).iter_errors(attributes or {}), None)
    if trouble is not None:
        where = "/".join(str(step) for step in trouble.absolute_path)
        raise Invalid(f"attributes{'/' + where if where else ''}: {trouble.message[:300]}", field="attributes")


def schema_of_fields(schema: Any) -> dict[str, Any] | None:
    """The schema of a type's own fields; raises `Invalid` for what is none, is too long, or refers to another."""
    if schema is None:
        return None
    text = json.dumps(schema)
    if not isinstance(schema, dict) or len(text) > LONGEST_ATTRIBUTES or "$ref" in text or '"pattern' in text:
        told = f"attributeSchema must be a JSON Schema of at most {LONGEST_ATTRIBUTES} characters, without $ref and patterns."
        raise Invalid(told, field="attributeSchema")
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as trouble:
        raise Invalid(
            f"attributeSchema is no JSON Schema: {trouble.message[:300]}", field="attributeSchema"
        ) from trouble
    return schema


def attributes(value: Any) -> dict[str, Any]:
    """What is known of an asset beside its columns, as it is stored."""
    if value is None:
        return {}
    if not isinstance(value, dict) or len(json.dumps(value)) > LONGEST_ATTRIBUTES:
        raise Invalid(f"attributes must be an object of at most {LONGEST_ATTRIBUTES} characters.", field="attributes")
    return value
