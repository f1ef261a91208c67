"""Templates: Jinja2 with almost nothing in it, so that no template can cost more than its own length.

Tenants write templates, so a template is a stranger's program. It is parsed, and refused unless each node of its tree is on
a short list: text, our variables, `if`, comparisons, and a few filters that do not make text longer than it is. There
are no loops, no calls, no assignments, no attributes and no arithmetic; so it ends, it reaches nothing, and its output
is at most its length times the longest variable. That, too, is bounded. It still runs in Jinja's sandbox.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from jinja2 import nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from subgraphs.notify.errors import BadTemplate

LONGEST_SUBJECT: Final = 500
LONGEST_BODY: Final = 10_000
_LONGEST_VALUE: Final = 4_000
_LONGEST_OUTPUT: Final = 100_000

SAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "recipient": "Jörg Müller",
        "number": "T-2026-000123",
        "title": "Drucker im Empfang druckt nicht",
        "priority": "P2",
        "customer": "Hansen Logistik GmbH",
        "text": "Guten Tag,\nwir sehen uns das an.",
        "metric": "RESOLUTION",
        "percent": "75",
        "due": "02.03.2026 17:00",
        "date": "2026-06-30",
        "amount": "1190.00 EUR",
        "reason": "550 5.1.1 no such user",
        "url": "https://app.example.com/Ticket/T-2026-000123",
    }
)
"""What a preview shows in the place of each variable."""

VARIABLES: Final[Mapping[str, str]] = {
    "recipient": "The name of whoever is told.",
    "number": "The number of the ticket or of the invoice.",
    "title": "The title of the ticket, or the name of the device or connection.",
    "priority": "The priority of the ticket: P1 to P4.",
    "customer": "The name of the customer.",
    "text": "What was said in the message.",
    "metric": "What was promised: FIRST_RESPONSE, RESOLUTION or NEXT_UPDATE.",
    "percent": "How much of the time is used up.",
    "due": "Until when it is to be done, in the recipient's time zone.",
    "date": "The day on which it ends, or was issued.",
    "amount": "The amount with its currency.",
    "reason": "Why it happened.",
    "url": "Where to look at it.",
}
"""Every variable of a template, with what it holds; those that an event does not know are empty."""

_ALLOWED: Final = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Filter,
)
_FAILS: Final = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
"""What can go wrong where words are compared with numbers, or a filter is given what it does not understand."""
_FILTERS: Final = frozenset({"upper", "lower", "trim", "capitalize", "default"})
_SANDBOX: Final = ImmutableSandboxedEnvironment(autoescape=False, keep_trailing_newline=False)


def checked(source: str, *, field: str, longest: int = LONGEST_BODY) -> str:
    """A template that may be used; raises `BadTemplate` naming what is wrong."""
    if not source.strip():
        raise BadTemplate(f"{field} is empty.", field=field)
    if len(source) > longest:
        raise BadTemplate(f"{field} may have at most {longest} characters, not {len(source)}.", field=field)
    try:
        tree = _SANDBOX.parse(source)
    except (TemplateError, RecursionError) as error:
        raise BadTemplate(f"{field} can't be read: {error}", field=field) from None
    for node in _walk(tree):
        wrong = _wrong(node)
        if wrong:
            raise BadTemplate(f"{field}, line {node.lineno}: {wrong}", field=field)
    _tried(source, field)
    return source


def _tried(source: str, field: str) -> None:
    """Make a text of it, with something and with nothing in its variables: what fails here would fail at night."""
    template = _SANDBOX.from_string(source)
    try:
        for values in (SAMPLES, dict.fromkeys(VARIABLES, "")):
            for _ in template.generate(values):
                pass
    except _FAILS as error:
        raise BadTemplate(f"{field} can't be made into a text: {error}", field=field) from None


def render(source: str, values: Mapping[str, str]) -> str:
    """The text that a checked template makes of these values; what is not there is empty."""
    try:
        return _rendered(source, values)
    except _FAILS as error:
        raise BadTemplate(f"It can't be made into a text: {error}") from None


def _rendered(source: str, values: Mapping[str, str]) -> str:
    short = {name: values.get(name, "")[:_LONGEST_VALUE] for name in VARIABLES}
    made: list[str] = []
    length = 0
    for piece in _compiled(source).generate(short):
        made.append(piece)
        length += len(piece)
        if length > _LONGEST_OUTPUT:
            break
    return "".join(made)[:_LONGEST_OUTPUT].strip()


@functools.lru_cache(maxsize=512)
def _compiled(source: str):  # type: ignore[no-untyped-def] # noqa: ANN202 - Jinja's template
    return _SANDBOX.from_string(checked(source, field="body"))


def _walk(tree: nodes.Node) -> Iterator[nodes.Node]:
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(node.iter_child_nodes())


def _wrong(node: nodes.Node) -> str | None:
    if not isinstance(node, _ALLOWED):
        return f"{type(node).__name__.lower()} is not allowed in templates."
    if isinstance(node, nodes.Name) and (node.ctx != "load" or node.name not in VARIABLES):
        return f"there is no variable {node.name!r}; there are {', '.join(VARIABLES)}."
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        return f"there is no filter {node.name!r}; there are {', '.join(sorted(_FILTERS))}."
    return None
