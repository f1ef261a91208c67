"""The manifest: all that a module hands over. Everything operational is the kit acting on one of these."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.routing import BaseRoute

from contracts.events.envelope import Event
from subgraphs.kit.clock import Clock
from subgraphs.kit.config import Settings
from subgraphs.kit.inbox import Consumer
from subgraphs.kit.jobs import Task
from subgraphs.kit.progress import Long

Web = Callable[[Settings, AsyncEngine, Clock], Sequence[BaseRoute]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One function module of the platform."""

    name: str
    """The one word by which it is known: package, subgraph, schema, role, container, metric label."""
    purpose: str
    """What it is for, in one sentence."""
    query: type
    mutation: type | None = None
    subscription: type | None = None
    extends: tuple[type, ...] = ()
    """Entities of other modules to which it adds fields; their owner describes them."""
    events: tuple[type[Event], ...] = ()
    """What it tells the others."""
    references: tuple[str, ...] = ()
    """The entities of other modules that its commands point at: `Customer`, `Asset`."""
    narrows: tuple[str, ...] = ()
    """The permissions whose `.own` its walls understand: `tickets:read`."""
    teams: tuple[str, ...] = ()
    """The permissions whose `.team` its walls understand: `time:read`."""
    company: tuple[str, ...] = ()
    """The permissions whose `.company` its walls understand, for a customer's people: `users:read`."""
    seals: bool = False
    """Whether it keeps secrets that it must be able to read: its processes do not start without a key to seal them with."""
    internal_graph: tuple[str, ...] = ()
    """What of its graph is not for partners: fields as `Query.sessions`, types by name."""
    consumers: tuple[Consumer, ...] = ()
    jobs: tuple[Task, ...] = field(default=())
    long_jobs: tuple[Long, ...] = ()
    """What takes longer than a request, and is looked at until it is done."""
    web: Web | None = None
    """Ways in that are no GraphQL: pages and protocols; behind the router's doors, and without its internal token."""
    internal: Web | None = None
    """Ways in for the router itself, below `/internal`: behind its own token, which stands for the platform."""


def load(name: str) -> Module:
    """The manifest of the module `name`; imports that module and no other."""
    manifest: Module = importlib.import_module(f"subgraphs.{name}.module").module
    return manifest
