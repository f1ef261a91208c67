"""The specifications that schemas link to: identities, versions, imports, renames, and which name stands for what.

`@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", {name: "@tag", as: "@label"}])` links the feature
`federation` at version 2.3. An imported element is known under its import name, every other one as `federation__name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, total_ordering
from typing import Final

from router.federation.elements import Applied, Name, Value

APOLLO: Final = "https://specs.apollo.dev/"
FEDERATION: Final = "https://specs.apollo.dev/federation"
LINK: Final = "https://specs.apollo.dev/link"
CORE: Final = "https://specs.apollo.dev/core"
JOIN: Final = "https://specs.apollo.dev/join"
TAG: Final = "https://specs.apollo.dev/tag"
INACCESSIBLE: Final = "https://specs.apollo.dev/inaccessible"
AUTHENTICATED: Final = "https://specs.apollo.dev/authenticated"
REQUIRES_SCOPES: Final = "https://specs.apollo.dev/requiresScopes"
POLICY: Final = "https://specs.apollo.dev/policy"
COST: Final = "https://specs.apollo.dev/cost"
CONTEXT: Final = "https://specs.apollo.dev/context"
CACHE_TAG: Final = "https://specs.apollo.dev/cacheTag"
CONNECT: Final = "https://specs.apollo.dev/connect"


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """`v2.3`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"

    def __lt__(self, other: Version) -> bool:
        return (self.major, self.minor) < (other.major, other.minor)

    def satisfies(self, required: Version) -> bool:
        """Whether what was written for `required` can be read by this version."""
        if self.major != required.major:
            return False
        return self == required if self.major == 0 else self.minor >= required.minor


FEDERATION_VERSIONS: Final = tuple(Version(2, minor) for minor in range(15))
NEWEST: Final = FEDERATION_VERSIONS[-1]


@dataclass(frozen=True, slots=True)
class FeatureUrl:
    """Identity, name and version of a feature, taken apart from its url."""

    identity: str
    name: str
    version: Version
    element: str | None = None

    def __str__(self) -> str:
        return f"{self.identity}/{self.version}"


class LinkError(ValueError):
    """A @link that can't be followed; `code` is the code to report."""

    def __init__(self, code: str, message: str, application: Applied | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.application = application


_VERSION = re.compile(r"v(\d+)\.(\d+)")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[^/?#]+)(?P<path>[^?#]*)(?:\?[^#]*)?(?:#(?P<element>.*))?", re.IGNORECASE
)


def feature_url(text: str) -> FeatureUrl:
    """Take the url of a feature apart.

    Raises:
        LinkError: the url has no version or no name.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Invalid URL: {text}")
    segments = [segment for segment in found["path"].split("/") if segment]
    if not segments:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Missing path in feature url '{text}'")
    version = _VERSION.fullmatch(segments[-1])
    if version is None:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Expected a version string (of the form v1.2), got {segments[-1]}")
    if len(segments) < 2:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Missing feature name component in feature url '{text}'")
    identity = f"{found['scheme'].lower()}://{found['host'].lower()}/" + "/".join(segments[:-1])
    return FeatureUrl(identity, segments[-2], Version(int(version[1]), int(version[2])), found["element"])


@dataclass(frozen=True, slots=True)
class Import:
    """One imported element; names of directives begin with `@`."""

    name: str
    alias: str | None = None

    @property
    def known_as(self) -> str:
        """The name under which the schema uses it."""
        return self.alias or self.name


@dataclass(frozen=True)
class Link:
    """One linked feature."""

    url: FeatureUrl
    alias: str | None = None
    imports: tuple[Import, ...] = ()
    purpose: str | None = None
    applied: Applied = field(default_factory=lambda: Applied("link"), compare=False)

    @property
    def prefix(self) -> str:
        """The name of the feature in this schema."""
        return self.alias or self.url.name

    @cached_property
    def _directives(self) -> dict[str, str]:
        return {entry.name[1:]: entry.known_as[1:] for entry in self.imports if entry.name.startswith("@")}

    @cached_property
    def _types(self) -> dict[str, str]:
        return {entry.name: entry.known_as for entry in self.imports if not entry.name.startswith("@")}

    def directive(self, name: str) -> str:
        """The name that this schema uses for a directive of the feature."""
        if name in self._directives:
            return self._directives[name]
        return self.prefix if name == self.url.name else f"{self.prefix}__{name}"

    def type(self, name: str) -> str:
        """The name that this schema uses for a type of the feature."""
        return self._types.get(name) or f"{self.prefix}__{name}"

    def element_of_directive(self, name: str) -> str | None:
        """The feature's own name for a directive of this schema, if the directive belongs to the feature."""
        for original, alias in self._directives.items():
            if alias == name:
                return original
        if name == self.prefix:
            return self.url.name
        return name.removeprefix(f"{self.prefix}__") if name.startswith(f"{self.prefix}__") else None

    def owns_type(self, name: str) -> bool:
        """Whether a type of this schema belongs to the feature."""
        return name in self._types.values() or name.startswith(f"{self.prefix}__")


@dataclass(frozen=True)
class Links:
    """All features that a schema links, by identity. `core` is the link to the @link specification itself."""

    by_identity: dict[str, Link] = field(default_factory=dict)
    core: Link | None = None

    @property
    def federation(self) -> Link | None:
        """The federation specification, if it is linked."""
        return self.by_identity.get(FEDERATION)

    def source_of_directive(self, name: str) -> tuple[Link, str] | None:
        """The feature that a directive belongs to, with the feature's own name for it."""
        for link in self.by_identity.values():
            if (element := link.element_of_directive(name)) is not None:
                return link, element
        return None

    def source_of_type(self, name: str) -> Link | None:
        """The feature that a type belongs to."""
        return next((link for link in self.by_identity.values() if link.owns_type(name)), None)


def find_core(applied: Iterable[Applied]) -> str | None:
    """Find the name under which a schema links the @link specification: the application that describes itself."""
    for application in applied:
        url = application.arguments.get("url", application.arguments.get("feature"))
        if not isinstance(url, str):
            continue
        try:
            feature = feature_url(url)
        except LinkError:
            continue
        alias = application.arguments.get("as")
        if feature.identity in {LINK, CORE} and application.name == (alias or feature.name):
            return application.name
    return None


def read_link(application: Applied) -> Link:
    """Read one application of @link.

    Raises:
        LinkError: it can't be understood.
    """
    url = application.arguments.get("url", application.arguments.get("feature"))
    if not isinstance(url, str):
        raise LinkError("INVALID_LINK_IDENTIFIER", "Missing url for @link.")
    alias = application.arguments.get("as")
    purpose = application.arguments.get("for")
    return Link(
        url=feature_url(url),
        alias=alias if isinstance(alias, str) else None,
        imports=tuple(_imports(application.arguments.get("import"))),
        purpose=purpose.text if isinstance(purpose, Name) else None,
        applied=application,
    )


def _imports(value: Value) -> Iterable[Import]:
    if value is None:
        return
    if not isinstance(value, tuple):
        yield _import(value)
        return
    for entry in value:
        yield _import(entry)


def _import(entry: Value) -> Import:
    invalid = "INVALID_LINK_DIRECTIVE_USAGE"
    match entry:
        case str():
            return Import(entry)
        case {"name": str(name), **rest} if set(rest) <= {"as"}:
            alias = rest.get("as")
            if alias is not None and not isinstance(alias, str):
                raise LinkError(
                    invalid, f'Invalid value for the "as" field of an import of "{name}": must be a string.'
                )
            if alias is not None and name.startswith("@") != alias.startswith("@"):
                raise LinkError(invalid, _sigil_message(name, alias))
            return Import(name, alias)
        case dict():
            raise LinkError(invalid, "Invalid import object: must have a name, and may have an alias.")
        case _:
            raise LinkError(
                invalid,
                'Invalid sub-value for @link(import:) argument: values should be either strings or input object values of the form { name: "<importedElement>", as: "<alias>" }.',
            )


def _sigil_message(name: str, alias: str) -> str:
    if name.startswith("@"):
        return f'Invalid @link import renaming: directive "{name}" imported name should start with a \'@\' character, but got "{alias}".'
    return f'Invalid @link import renaming: type "{name}" imported name should not start with a \'@\' character, but got "{alias}" (or, if "{name}" is a directive, then it should be referred as such by prefixing it with \'@\').'
