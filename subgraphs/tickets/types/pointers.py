"""What tickets point at and know no more of than its identifier: places and teams."""

from __future__ import annotations

import strawberry
from strawberry.federation import type as entity
from strawberry.federation.schema_directives import Key
from strawberry.federation.types import FieldSet

_POINTED_AT = Key(fields=FieldSet("id"), resolvable=False)


@entity(keys=[_POINTED_AT])
class Site:
    """Where work is done; the site is `crm`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""


@entity(keys=[_POINTED_AT])
class Team:
    """Who has work together; the team is `auth`'s."""

    id: strawberry.ID
    """The identifier: a UUID."""
