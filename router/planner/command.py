"""What `python -m router plan` and `explain` print, without the command line around it."""

from __future__ import annotations

import json

from graphql import DocumentNode, GraphQLError, parse, validate

from router.federation.api_schema import api_schema
from router.federation.supergraph import InvalidSupergraph, Supergraph
from router.planner import explain as explaining
from router.planner.failures import PlanningFailed
from router.planner.planner import Planner, Stages
from router.planner.query_plan import pretty, to_json


class NotPlanned(Exception):
    """There is no plan; the message says why, one reason a line."""


def plan(
    supergraph_sdl: str,
    query: str,
    operation_name: str | None = None,
    *,
    labels: frozenset[str] = frozenset(),
    as_json: bool = False,
) -> str:
    """Return the plan of an operation as text or JSON; raises `NotPlanned`."""
    made = _stages(supergraph_sdl, query, operation_name, labels).plan
    return json.dumps(to_json(made), indent=2) if as_json else pretty(made)


def explain(
    supergraph_sdl: str,
    query: str,
    operation_name: str | None = None,
    *,
    labels: frozenset[str] = frozenset(),
    form: explaining.Form = "text",
) -> str:
    """Return every stage of planning an operation as text; raises `NotPlanned`."""
    return explaining.text(_stages(supergraph_sdl, query, operation_name, labels), form)


def _stages(supergraph_sdl: str, query: str, operation_name: str | None, labels: frozenset[str]) -> Stages:
    try:
        supergraph = Supergraph.parse(supergraph_sdl)
        document = _valid(supergraph, query)
        return Planner(supergraph).stages(document, operation_name, labels=labels, deferring=True)
    except (InvalidSupergraph, PlanningFailed, GraphQLError) as refusal:
        raise NotPlanned(refusal.message) from refusal


def _valid(supergraph: Supergraph, query: str) -> DocumentNode:
    document = parse(query, no_location=True)
    if errors := validate(api_schema(supergraph, with_defer=True), document):
        raise NotPlanned("\n".join(error.message for error in errors))
    return document
