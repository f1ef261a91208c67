"""The router's settings: `tree` has them all, a file for each section; `reading` finds them at the start."""

from router.server.config.authentication import Authentication
from router.server.config.limits import Limits
from router.server.config.listen import Listen
from router.server.config.reading import PREFIX, Misconfigured, Read, read, read_with_notes, schema, shown, upgraded
from router.server.config.registry import RegistrySettings
from router.server.config.subgraphs import Subgraphs
from router.server.config.subscriptions import Subscriptions
from router.server.config.tree import RouterConfig

__all__ = [
    "PREFIX",
    "Authentication",
    "Limits",
    "Listen",
    "Misconfigured",
    "Read",
    "RegistrySettings",
    "RouterConfig",
    "Subgraphs",
    "Subscriptions",
    "read",
    "read_with_notes",
    "schema",
    "shown",
    "upgraded",
]
