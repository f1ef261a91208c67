"""The pages: plain HTML, filled in with everything escaped."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_PAGES = Environment(
    loader=PackageLoader("subgraphs.auth.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)


def render(name: str, **facts: Any) -> str:
    """A page as HTML."""
    return _PAGES.get_template(name).render(**facts)
