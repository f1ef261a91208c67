"""Follow the @link applications of a schema: which features it uses, under which names, and what is wrong with them."""

from __future__ import annotations

from router.federation.directives import available, available_types
from router.federation.elements import Applied, Schema
from router.federation.spec import (
    CORE,
    FEDERATION,
    FEDERATION_VERSIONS,
    LINK,
    FeatureUrl,
    Link,
    LinkError,
    Links,
    Version,
    find_core,
    read_link,
)


def follow(schema: Schema) -> Links:
    """Read all links of a schema.

    Raises:
        LinkError: one of them can't be followed.
    """
    name = find_core(schema.applied) or ("link" if _implied(schema) else None)
    if name is None:
        return Links()
    found: dict[str, Link] = {}
    for application in schema.applied:
        if application.name == name:
            link = _read(application)
            _check(link, found)
            found[link.url.identity] = link
    core = found.get(LINK) or found.get(CORE) or Link(FeatureUrl(LINK, "link", Version(1, 0)), name)
    return Links({core.url.identity: core} | found, core)


def _implied(schema: Schema) -> bool:
    """@link needs no link to itself when it is used the way its specification defines it."""
    return any(application.name == "link" and "url" in application.arguments for application in schema.applied)


def _read(application: Applied) -> Link:
    try:
        return read_link(application)
    except LinkError as error:
        error.application = application
        raise


def _check(link: Link, found: dict[str, Link]) -> None:
    identity = link.url.identity
    if identity in found:
        raise LinkError(
            "INVALID_LINK_DIRECTIVE_USAGE",
            f'Cannot link feature "{identity}" since it has already been linked in the schema.',
            link.applied,
        )
    if identity != FEDERATION:
        return
    if link.url.version not in FEDERATION_VERSIONS:
        raise LinkError(
            "UNKNOWN_FEDERATION_LINK_VERSION",
            f"Invalid version {link.url.version} for the federation feature in @link directive on schema",
            link.applied,
        )
    known = {f"@{name}" for name in available(link.url.version)} | set(available_types(link.url.version))
    for entry in link.imports:
        if entry.name not in known:
            raise LinkError("INVALID_LINK_DIRECTIVE_USAGE", _unknown(entry.name, known), link.applied)


def _unknown(name: str, known: set[str]) -> str:
    message = f'Cannot import unknown element "{name}".'
    if f"@{name}" in known:
        return f'{message} Did you mean directive "@{name}"?'
    return message
