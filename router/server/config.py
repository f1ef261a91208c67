"""Every setting of the router as one frozen tree: read once at the start, from a file and the environment.

The environment wins over the file: `PSA_ROUTER_LIMITS__DEPTH=20` is `limits: {depth: 20}`. A key that nobody knows is an
error with a suggestion, because a misspelt limit that silently doesn't apply is worse than none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

PREFIX = "PSA_ROUTER_"
# The modules' own setting for where the router is; it may stand in the same environment.
_NOT_OURS = frozenset({"PSA_ROUTER_URL"})


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Listen(_Settings):
    """Where the router listens."""

    host: str = Field("127.0.0.1", description="The address to listen on.")
    port: int = Field(4000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")


class Limits(_Settings):
    """What a client's request may cost before anything is fetched."""

    body_bytes: int = Field(2_000_000, ge=1, description="Bytes of a request's body.")
    tokens: int = Field(15_000, ge=1, description="Tokens of a document.")
    depth: int = Field(50, ge=1, description="Levels of nested fields.")
    aliases: int = Field(200, ge=0, description="Aliased fields, fragments expanded.")
    root_fields: int = Field(100, ge=1, description="Fields of the root type, fragments expanded.")
    selections: int = Field(20_000, ge=1, description="Fields in all, fragments expanded.")


class Subgraphs(_Settings):
    """How the router talks to subgraphs."""

    timeout_seconds: float = Field(15.0, gt=0, description="How long one fetch may take.")
    answer_bytes: int = Field(32_000_000, ge=1, description="Bytes of one answer of a subgraph.")
    representations: int = Field(1000, ge=1, description="Entities in one request; more are sent in several.")
    connections: int = Field(200, ge=1, description="Connections that are open at once.")
    ca_file: Path | None = Field(
        None, description="Who signs the subgraphs' certificates (PEM); those whom the system trusts when absent."
    )
    forwarded_headers: tuple[str, ...] = Field(
        ("idempotency-key",), description="The client's headers that subgraphs get as they are."
    )
    urls: dict[str, str] = Field(default_factory=dict, description="Addresses that replace those of the supergraph.")


class Authentication(_Settings):
    """Whose tokens are accepted; without this section nobody needs one."""

    issuer: str = Field(description="The `iss` that a token must have.")
    audience: str = Field(description="The `aud` that a token must have.")
    jwks: str = Field(description="The issuer's public keys: a file or a URL (`inprocess://auth/…` works too).")
    leeway_seconds: int = Field(30, ge=0, le=300, description="How far clocks may differ.")
    refetch_seconds: float = Field(30.0, ge=0, description="An unknown key id makes us read the keys again this often.")
    signing_key_file: Path | None = Field(
        None, description="The ES256 key for internal tokens (JWK or PEM); made at start when absent."
    )


class RegistrySettings(_Settings):
    """How modules announce themselves."""

    token: SecretStr | None = Field(
        None, description="The secret that lets a module register; no registration without."
    )
    state_file: Path | None = Field(None, description="Where registrations outlive a restart.")


class RouterConfig(_Settings):
    """All settings of one router."""

    listen: Listen = Listen()
    supergraph_file: Path | None = Field(None, description="A supergraph SDL to serve.")
    subgraphs_file: Path | None = Field(None, description="Subgraphs to compose at the start (JSON, as for `compose`).")
    limits: Limits = Limits()
    subgraphs: Subgraphs = Subgraphs()
    authentication: Authentication | None = None
    registry: RegistrySettings = RegistrySettings()
    override_labels: dict[str, bool] = Field(
        default_factory=dict,
        description="Which labels of `@override` are active (`percent(N)` takes its share of requests by itself).",
    )
    request_timeout_seconds: float = Field(30.0, gt=0, description="How long a client's request may take.")
    operation_cache_entries: int = Field(1024, ge=1, description="Operations that stay parsed, validated and planned.")
    operation_cache_bytes: int = Field(8_000_000, ge=1, description="Bytes of their texts, all together.")
    expose_query_plan: bool | None = Field(
        default=None,
        description="Whether Apollo-Expose-Query-Plan is answered; by default where nobody has to say who they are.",
    )
    mask_internal_errors: bool = Field(
        default=True, description="Whether internal errors of subgraphs are shown without their details."
    )
    access_log: bool = Field(default=True, description="Whether each request is one line in the log.")


class Misconfigured(Exception):
    """The settings make no sense; the message has one line for each problem."""


def read(file: Path | None, environment: Mapping[str, str], **more: Any) -> RouterConfig:
    """Read the settings; raises `Misconfigured` with all that is wrong. `more` comes from the command line and wins."""
    given = _from_file(file) if file else {}
    for keys, value in _from_environment(environment):
        _put(given, keys, value)
    for dotted, value in more.items():
        if value is not None:
            _put(given, dotted.split("__"), value)
    try:
        return RouterConfig.model_validate(given)
    except ValidationError as error:
        raise Misconfigured("\n".join(map(_problem, error.errors(include_input=False)))) from None


def _from_file(file: Path) -> dict[str, Any]:
    try:
        read = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misconfigured(f"{file} can't be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise Misconfigured(f"{file} is neither YAML nor JSON: {error}") from None
    if not isinstance(read, dict | None):
        raise Misconfigured(f"{file} must hold keys and values.")
    return read or {}


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[list[str], Any]]:
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in _NOT_OURS:
            yield name.removeprefix(PREFIX).lower().split("__"), _structured(value)


def _structured(value: str) -> Any:
    if not value.startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _put(tree: dict[str, Any], keys: list[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        inner = tree.get(key)
        tree[key] = inner if isinstance(inner, dict) else {}
        tree = tree[key]
    tree[last] = value


def _problem(error: Any) -> str:
    keys = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        return f"{'.'.join(keys)} is no setting{_suggestion(keys)}"
    return f"{'.'.join(keys)}: {error['msg']}."


def _suggestion(keys: list[str]) -> str:
    *above, last = keys
    known: type[BaseModel] = RouterConfig
    for key in above:
        known = _SECTIONS.get(key, known)
    close = difflib.get_close_matches(last, known.model_fields, n=1)
    return f"; did you mean {'.'.join([*above, close[0]])}?" if close else "."


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "listen": Listen,
    "limits": Limits,
    "subgraphs": Subgraphs,
    "authentication": Authentication,
    "registry": RegistrySettings,
}


def shown(config: RouterConfig) -> str:
    """Return the effective settings as YAML, secrets hidden."""
    text: str = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text
