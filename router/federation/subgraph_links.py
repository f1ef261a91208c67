"""Follow the @link applications of a schema: which features it uses, under which names, and what is wrong with them."""

from __future__ import annotations

import re

from router.federation import link_names
from router.federation.directives import available, available_types
from router.federation.elements import Applied, Name, Schema, Value, printed
from router.federation.implied_version import UNLINKED
from router.federation.spec import (
    CORE,
    FEDERATION,
    FEDERATION_VERSIONS,
    LINK,
    FeatureUrl,
    Import,
    Link,
    LinkError,
    Links,
    Version,
    feature_url,
)
from router.federation.suggestions import did_you_mean, nearest

# The versions of the specification of linking itself that can be read.
_CORE_VERSIONS = frozenset(((LINK, Version(1, 0)), (CORE, Version(0, 1)), (CORE, Version(0, 2))))


def follow(schema: Schema) -> Links:
    """Read all links of a schema. Without a link to federation, or to @link itself, @link means nothing.

    Raises:
        LinkError: one of them can't be followed.
    """
    explicit = _find_core(schema)
    name = explicit or ("link" if _links_federation(schema) else None)
    if name is None:
        return Links()
    core = Link(FeatureUrl(LINK, "link", Version(1, 0)), name)
    found: dict[str, Link] = {} if explicit else {LINK: core}
    for application in schema.applied:
        if application.name == name:
            _add(application, found)
    if explicit and FEDERATION not in found:
        link_names.check(_everything(UNLINKED), found.values())
    core = found.get(LINK) or found.get(CORE) or core
    return Links({core.url.identity: core} | found, core)


def _find_core(schema: Schema) -> str | None:
    """Find the name under which a schema links the @link specification: the application that describes itself.

    Raises:
        LinkError: it links a version of it that nobody knows. (A link to federation brings the known version with it.)
    """
    for application in schema.applied:
        feature = _described(application)
        if feature is None or feature.identity not in {LINK, CORE}:
            continue
        if application.name != _text(application, "as", feature.name) or not _may_link(schema, application.name):
            continue
        if (feature.identity, feature.version) in _CORE_VERSIONS:
            return application.name
        if not _links_federation(schema) and (application.name == "link" or application.name in schema.directives):
            message = f"Schema uses unknown version {feature.version} of the {feature.name} spec"
            raise LinkError("UNKNOWN_LINK_VERSION", message, application=application)
    return None


def _described(application: Applied) -> FeatureUrl | None:
    """The feature that an application links, if it can be read as a link."""
    url = application.arguments.get("url", application.arguments.get("feature"))
    try:
        return feature_url(url) if isinstance(url, str) else None
    except LinkError:
        return None


def supergraph_links(schema: Schema) -> Links:
    """The links of a supergraph that was put together here: all of them are as they should be."""
    read = [_read(application) for application in schema.applied if application.name == "link"]
    return Links({link.url.identity: link for link in read})


def _may_link(schema: Schema, name: str) -> bool:
    """Whether a directive can be @link: one that is written must be repeatable, on the schema and nowhere else."""
    written = schema.directives.get(name)
    if written is None or _links_federation(schema):
        return True
    return written.repeatable and written.locations == ("SCHEMA",)


def _links_federation(schema: Schema) -> bool:
    return any(
        application.name == "link" and _text(application, "url").startswith(FEDERATION)
        for application in schema.applied
    )


def _text(application: Applied, argument: str, default: str = "") -> str:
    value = application.arguments.get(argument)
    return value if isinstance(value, str) else default


def _add(application: Applied, found: dict[str, Link]) -> None:
    try:
        link = _read(application)
        _check(link, found)
    except LinkError as error:
        error.application = application
        raise
    link_names.check(link, found.values())
    found[link.url.identity] = link


def _check(link: Link, found: dict[str, Link]) -> None:
    identity = link.url.identity
    if identity in found:
        again = found[identity].url == link.url and identity in {LINK, CORE}
        raise LinkError(
            "INVALID_LINK_DIRECTIVE_USAGE",
            "Invalid duplicate application of @core/@link"
            if again
            else f'Cannot link feature "{identity}" since it has already been linked in the schema.',
        )


def _everything(version: Version) -> Link:
    imports = (Import(f"@{name}") for name in available(version))
    return Link(FeatureUrl(FEDERATION, "federation", version), imports=tuple(imports))


# -- one application --------------------------------------------------------------------------------------------------


def _read(application: Applied) -> Link:
    url = application.arguments.get("url", application.arguments.get("feature"))
    if not isinstance(url, str):
        raise LinkError("INVALID_LINK_IDENTIFIER", "Missing url for @link.")
    feature = feature_url(url)
    alias = application.arguments.get("as")
    purpose = application.arguments.get("for")
    return Link(
        url=feature,
        alias=alias if isinstance(alias, str) else None,
        imports=_imports(application.arguments.get("import"), _elements(feature)),
        purpose=purpose.text if isinstance(purpose, Name) else None,
        applied=application,
    )


def _elements(feature: FeatureUrl) -> list[str] | None:
    """What can be imported from federation; other features are not known that well."""
    if feature.identity != FEDERATION or feature.version not in FEDERATION_VERSIONS:
        return None
    return [*(f"@{name}" for name in available(feature.version)), *available_types(feature.version)]


def _imports(value: Value, known: list[str] | None) -> tuple[Import, ...]:
    """Read a list of imports; a text is read letter by letter, which only helps where no name is checked."""
    entries = tuple(value) if isinstance(value, str | tuple) else (value,)
    found, problems = [], []
    for entry in entries if value is not None else ():
        problem = _problem(entry, known)
        if problem:
            problems.append(problem)
        else:
            found.append(_import(entry))
    if problems:
        raise LinkError("INVALID_LINK_DIRECTIVE_USAGE", *problems)
    return tuple(found)


def _import(entry: Value) -> Import:
    match entry:
        case {"name": str(name), **rest}:
            alias = rest.get("as")
            return Import(name, alias if isinstance(alias, str) else None)
        case str():
            return Import(entry)
        case _:  # pragma: no cover - a problem was found before
            raise TypeError(type(entry).__name__)


_ELEMENT = re.compile(r"@?[A-Za-z_]\w*", re.ASCII)


def _problem(entry: Value, known: list[str] | None) -> str | None:
    """What is wrong with one import."""
    match entry:
        case str():
            return _unknown(entry, known)
        case dict():
            return _problem_of_object(entry) or _unknown(str(entry["name"]), known)
        case _:
            return (
                f"Invalid sub-value {printed(entry)} for @link(import:) argument: values should be either strings or input object "
                'values of the form { name: "<importedElement>", as: "<alias>" }.'
            )


def _problem_of_object(entry: dict[str, Value]) -> str | None:
    told = f"sub-value {printed(entry)} of @link(import:) argument"
    for key, value in entry.items():
        if key not in {"name", "as"}:
            return f'Unknown field "{key}" for {told}.'
        if key == "as" and value is None:
            continue
        if not isinstance(value, str):
            return f'Invalid value for the "{key}" field for {told}: must be a string.'
        if not _ELEMENT.fullmatch(value):
            return f'Invalid value for the "{key}" field for {told}: must use a GraphQL name.'
    name, alias = entry.get("name"), entry.get("as")
    if not isinstance(name, str):
        return f'Invalid sub-value {printed(entry)} for @link(import:) argument: missing mandatory "name" field.'
    return _sigil_problem(name, alias) if isinstance(alias, str) else None


def _sigil_problem(name: str, alias: str) -> str | None:
    if name.startswith("@") == alias.startswith("@"):
        return None
    if name.startswith("@"):
        return f'Invalid @link import renaming: directive "{name}" imported name should start with a \'@\' character, but got "{alias}".'
    return (
        f'Invalid @link import renaming: type "{name}" imported name should not start with a \'@\' character, but got "{alias}" '
        f"(or, if @{name} is a directive, then it should be referred to with a '@')."
    )


def _unknown(name: str, known: list[str] | None) -> str | None:
    if known is None or name in known:
        return None
    message = f'Cannot import unknown element "{name}".'
    if f"@{name}" in known:
        return f'{message} Did you mean directive "@{name}"?'
    return message + did_you_mean(nearest(name, known))
