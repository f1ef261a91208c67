"""The specifications that schemas link to: identities, versions, imports, renames, and which name stands for what.

`@link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", {name: "@tag", as: "@label"}])` links the feature
`federation` at version 2.3. An imported element is known under its import name, every other one as `federation__name`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property, total_ordering
from typing import Final

from router.federation.elements import Applied

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


def own_specification(directive: str) -> str:
    """The specification of a directive that can be linked without federation."""
    return COST if directive == "listSize" else f"{APOLLO}{directive}"


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
    """A @link that can't be followed: the code to report, and every reason why."""

    def __init__(self, code: str, *messages: str, application: Applied | None = None) -> None:
        super().__init__("\n".join(messages))
        self.code = code
        self.messages = messages
        self.application = application


_VERSION = re.compile(r"v(\d+)\.(\d+)")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*):(?://(?P<host>[^/?#]*))?(?P<path>[^?#]*)(?:\?[^#]*)?(?:#(?P<element>.*))?",
    re.IGNORECASE,
)
_DEFAULT_PORT: Final = {"https": ":443", "http": ":80"}


def feature_url(text: str) -> FeatureUrl:
    """Take the url of a feature apart.

    Raises:
        LinkError: the url has no version or no name.
    """
    found = _URL.fullmatch(text)
    if found is None:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Invalid URL: {text}")
    scheme = found["scheme"].lower()
    origin = f"{scheme}:" + ("" if found["host"] is None else f"//{_host(found['host'], scheme)}")
    path = found["path"]
    if path in {"", "/"}:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Missing path in feature url '{origin}/'")
    parent, _, last = path.rpartition("/")
    name = parent.rpartition("/")[2]
    if not last:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Missing version component in feature url '{text}'")
    version = _VERSION.fullmatch(last)
    if version is None:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Expected a version string (of the form v1.2), got {last}")
    if not name:
        raise LinkError("INVALID_LINK_IDENTIFIER", f"Missing feature name component in feature url '{text}'")
    return FeatureUrl(f"{origin}{parent}", name, Version(int(version[1]), int(version[2])), found["element"])


def _host(text: str, scheme: str) -> str:
    return text.rpartition("@")[2].lower().removesuffix(_DEFAULT_PORT.get(scheme, ""))


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
        return self.url.name if self.alias is None else self.alias

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
