"""Every setting of the router as one frozen tree of sections."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from router.server.config.audit import Audit
from router.server.config.authentication import Authentication
from router.server.config.authorization import Authorization
from router.server.config.batching import Batching
from router.server.config.compression import Compression
from router.server.config.cors import Cors
from router.server.config.csrf import Csrf
from router.server.config.demand_control import DemandControl
from router.server.config.explorer import Explorer
from router.server.config.headers import HeaderRules
from router.server.config.health import Health, MetricsSettings
from router.server.config.hooks import HookSettings
from router.server.config.jwt import Jwt
from router.server.config.limits import Limits
from router.server.config.listen import Listen
from router.server.config.mcp import Mcp
from router.server.config.overload import Overload
from router.server.config.persisted import Apq, PersistedQueries
from router.server.config.rate_limit import RateLimit
from router.server.config.redis import RedisSettings
from router.server.config.registry import RegistrySettings
from router.server.config.response_cache import ResponseCache
from router.server.config.rest import Rest
from router.server.config.section import Section
from router.server.config.shutdown import Shutdown
from router.server.config.signatures import Signatures
from router.server.config.subgraph_errors import SubgraphErrors
from router.server.config.subgraphs import Subgraphs
from router.server.config.subscriptions import Subscriptions
from router.server.config.telemetry import Telemetry
from router.server.config.tls import Tls
from router.server.config.traffic_shaping import TrafficShaping
from router.server.config.units import Seconds
from router.server.config.uploads import Uploads
from router.server.config.warm_up import WarmUp


class RouterConfig(Section):
    """All settings of one router."""

    listen: Listen = Listen()
    supergraph_file: Path | None = Field(None, description="A supergraph SDL to serve.")
    subgraphs_file: Path | None = Field(None, description="Subgraphs to compose at the start (JSON, as for `compose`).")
    limits: Limits = Limits()
    cors: Cors = Cors()
    csrf: Csrf = Csrf()
    batching: Batching = Batching()
    compression: Compression = Compression()
    uploads: Uploads = Uploads()
    shutdown: Shutdown = Shutdown()
    health: Health = Health()
    metrics: MetricsSettings = MetricsSettings()
    overload: Overload = Overload()
    explorer: Explorer = Explorer()
    apq: Apq = Apq()
    persisted_queries: PersistedQueries = PersistedQueries()
    redis: RedisSettings = RedisSettings()
    subgraphs: Subgraphs = Subgraphs()
    subscriptions: Subscriptions = Subscriptions()
    authentication: Authentication | None = None
    jwt: Jwt | None = None
    authorization: Authorization = Authorization()
    traffic_shaping: TrafficShaping = TrafficShaping()
    headers: HeaderRules = HeaderRules()
    signatures: Signatures = Signatures()
    tls: Tls = Tls()
    rate_limit: RateLimit = RateLimit()
    demand_control: DemandControl = DemandControl()
    response_cache: ResponseCache = ResponseCache()
    registry: RegistrySettings = RegistrySettings()
    rest: Rest = Rest()
    mcp: Mcp = Mcp()
    warm_up: WarmUp = WarmUp()
    telemetry: Telemetry = Telemetry()
    audit: Audit = Audit()
    hooks: tuple[HookSettings, ...] = Field(
        (), description="Functions of yours on the way of a request, in their order."
    )
    override_labels: dict[str, bool] = Field(
        default_factory=dict,
        description="Which labels of `@override` are active (`percent(N)` takes its share of requests by itself).",
    )
    request_timeout_seconds: Seconds = Field(30.0, gt=0, description="How long a client's request may take.")
    defer_support: bool = Field(
        default=True, description="Whether clients may put off parts of an operation with `@defer`."
    )
    operation_cache_entries: int = Field(1024, ge=1, description="Operations that stay parsed, validated and planned.")
    operation_cache_bytes: int = Field(8_000_000, ge=1, description="Bytes of their texts, all together.")
    expose_query_plan: bool | None = Field(
        default=None,
        description="Whether Apollo-Expose-Query-Plan is answered; by default where nobody has to say who they are.",
    )
    hot_reload: bool = Field(
        default=False, description="Whether these settings and the supergraph are read again when their files change."
    )
    forbid_mutations: bool = Field(default=False, description="Whether mutations are refused.")
    introspection: bool = Field(default=True, description="Whether clients may ask for the schema.")
    field_suggestions: bool | None = Field(
        default=None, description="Whether errors guess what was meant; by default where the schema may be asked for."
    )
    redact_query_validation_errors: bool = Field(
        default=False, description="Whether an operation that doesn't fit the schema is told nothing but that."
    )
    include_subgraph_errors: SubgraphErrors = SubgraphErrors()
    apollo_status_codes: bool = Field(
        default=False,
        description="Whether a well-formed request that fails gets 400 where the answer is application/json, too, as "
        "Apollo's router has it; GraphQL over HTTP wants 200 there.",
    )
    access_log: bool = Field(default=True, description="Whether each request is one line in the log.")

    def answer_bytes(self, service: str) -> int:
        """Return how many bytes one answer of a subgraph may have."""
        return self.traffic_shaping.of(service).answer_bytes or self.subgraphs.answer_bytes

    @model_validator(mode="after")
    def _tokens_are_of_one_kind(self) -> Self:
        if self.authentication is not None and self.jwt is not None:
            raise ValueError("tokens are either the platform's (authentication) or anybody's (jwt)")
        return self

    @model_validator(mode="after")
    def _a_safelist_excludes_apq(self) -> Self:
        if self.persisted_queries.safelist.enabled and self.apq.enabled:
            raise ValueError("apq must be disabled to enable persisted_queries.safelist")
        return self
