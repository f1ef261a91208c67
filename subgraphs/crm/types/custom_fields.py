"""How fields of one's own look in the graph: their definitions, their values on things, and filters by them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import strawberry
from strawberry.federation import type as entity

from subgraphs.crm.models import relations as models
from subgraphs.crm.rules.custom_fields import CustomEntity, CustomFieldType
from subgraphs.crm.service import custom_fields as service
from subgraphs.kit.context import Info
from subgraphs.kit.shapes import shape
from subgraphs.kit.values import JSON, UserError

READ = "customers:read"

for spoken in (CustomEntity, CustomFieldType):
    strawberry.enum(spoken)


async def shown(info: Info, permission: str, kind: CustomEntity, values: Mapping[str, Any]) -> JSON:
    """The values that the caller may see of a thing's own fields; `permission` is what seeing the thing takes."""
    if info.context.caller.kind in service.INSIDERS or not values:
        return JSON(dict(values))
    shared = await info.context.lists(service.shared_keys, info.context.caller.tenant, permission)
    return JSON({key: value for key, value in values.items() if f"{kind.value}.{key}" in shared})


@entity(keys=["id"])
class CustomField:
    """A field that you added to a kind of thing."""

    id: strawberry.ID
    """The identifier: a UUID."""
    entity: CustomEntity
    """Which things have it."""
    key: str
    """Its name in `customFields`; it never changes."""
    label: str
    """What people call it."""
    type: CustomFieldType
    """What it holds; this never changes."""
    options: list[str]
    """The options of a choice."""
    required: bool
    """Whether every thing that is written down from now on must have a value."""
    shared: bool
    """Whether the customer's people see it, too."""
    position: int
    """Its place among the others."""
    archived_at: datetime | None
    """When it was retired: values stay, and no new ones are taken."""
    version: int
    """Counts changes; give it back with a command to be sure that nobody was faster."""

    @classmethod
    def of(cls, row: models.CustomField) -> Self:
        """The definition in this row."""
        return shape(cls, row)

    @classmethod
    async def resolve_reference(cls, info: Info, id: strawberry.ID) -> Self | None:
        """The definition that another module points at."""
        row = await info.context.row(models.CustomField, id, READ)
        visible = row is not None and (row.shared or info.context.caller.kind in service.INSIDERS)
        return cls.of(row) if row is not None and visible else None


@strawberry.input
class CustomFieldFilter:
    """Which values a field of your own has: all that is given must hold; nothing given: that it has one."""

    key: str
    """The field."""
    equals: JSON | None = None
    """Exactly this; of several choices, this among them."""
    contains: str | None = None
    """These letters, whatever the case."""
    at_least: str | None = None
    """This number or day, or a later one."""
    at_most: str | None = None
    """This number or day, or an earlier one."""
    is_set: bool | None = None
    """Whether there is a value at all."""


@strawberry.type
class CustomFieldPayload:
    """What became of a command on a field of your own."""

    custom_field: CustomField | None = None
    """The definition as it is now; absent when the command was refused."""
    errors: list[UserError] = strawberry.field(default_factory=list)
    """Why the command was refused; empty when it was done."""
