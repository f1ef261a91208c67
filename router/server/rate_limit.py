"""How many requests a caller may send: by API key or user, else by address; with the headers that tell how many are left.

    RateLimit-Policy: "default";q=1000;w=60      what holds for this caller
    RateLimit: "default";r=999;t=60              what is left, and when there is more (draft-ietf-httpapi-ratelimit-headers-10)
    Retry-After: 17                              on a refusal

Tokens that are no proof count for the address that they come from, in a window of their own: who guesses is slowed down, and
who is known is not, even behind the same address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from router.server.client_name import client_name
from router.server.config.rate_limit import Quota, RateLimit
from router.server.config.traffic_shaping import GlobalRateLimit
from router.server.refusals import Refused
from router.server.windows import LocalWindows, Verdict, Windows

if TYPE_CHECKING:  # it brings all of cryptography along
    from router.server.access_log import Facts
    from router.server.authentication import Caller

CODE: Final = "REQUEST_RATE_LIMITED"
_MOST_POLICIES: Final = 10_000
_MESSAGE: Final = "Your request has been rate limited"


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for a caller: a name, who is counted, how much may be."""

    name: str
    key: str
    """Who is counted."""
    quota: Quota
    told: str
    """The policy as its header tells it."""

    @staticmethod
    def of(name: str, who: str, quota: Quota) -> Policy:
        """Write what is always the same once."""
        return Policy(name, f"{who} {quota.window}", quota, f'"{name}";q={quota.limit};w={int(quota.window)}')

    def headers(self, verdict: Verdict) -> dict[str, str]:
        """Return what the caller is told."""
        return {"ratelimit-policy": self.told, "ratelimit": f'"{self.name}";r={verdict.left};t={verdict.seconds}'}


class RateLimiter:
    """Counts, and refuses what is too much."""

    def __init__(
        self,
        settings: RateLimit,
        windows: Windows,
        *,
        tokens_are_accepted: bool,
        of_all: GlobalRateLimit | None = None,
    ) -> None:
        self._settings = settings
        self._of_all = of_all
        self._own = LocalWindows()
        self._policies: dict[tuple[bytes, int | None, str], Policy] = {}
        self._windows = windows
        self._by_address = settings.counts_addresses(tokens_are_accepted=tokens_are_accepted)

    @property
    def weighs_cost(self) -> bool:
        """Whether an operation counts with its cost, which is known only when it's planned."""
        return self._settings.enabled and self._settings.weigh_by_cost

    async def take(self, caller: Caller | None, headers: Headers, facts: Facts, weight: int = 1) -> None:
        """Count an operation; raises `Refused` when it's one too many."""
        self._take_of_all()
        policy = self._policy(caller, headers, facts.address)
        if policy is not None:
            quota = policy.quota
            self._judge(policy, await self._windows.take(policy.key, quota.limit, quota.window, weight), facts)

    @property
    def counts_here(self) -> bool:
        """Whether nobody else has to be asked, so that `take_now` will do."""
        return isinstance(self._windows, LocalWindows)

    def take_now(self, caller: Caller | None, headers: Headers, facts: Facts, weight: int = 1) -> None:
        """Count an operation where `counts_here` holds; raises `Refused` when it's one too many."""
        self._take_of_all()
        policy = self._policy(caller, headers, facts.address)
        if policy is not None and isinstance(self._windows, LocalWindows):
            quota = policy.quota
            self._judge(policy, self._windows.take_now(policy.key, quota.limit, quota.window, weight), facts)

    def _judge(self, policy: Policy, verdict: Verdict, facts: Facts) -> None:
        facts.headers.update(policy.headers(verdict))
        if not verdict.passes:
            facts.headers["retry-after"] = str(verdict.seconds)  # in a batch there is no other place to say it
            raise self._refusal(verdict)

    def _take_of_all(self) -> None:
        if self._of_all is not None:
            verdict = self._own.take_now("all", self._of_all.capacity, self._of_all.interval)
            if not verdict.passes:
                raise self._refusal(verdict)

    async def failed(self, facts: Facts) -> None:
        """Count a token that is no proof; raises `Refused` when there were too many from this address."""
        if not self._settings.enabled:
            return
        quota = self._settings.failed_authentication
        verdict = await self._windows.take(f"failed {facts.address}", quota.limit, quota.window)
        if not verdict.passes:
            raise self._refusal(verdict)

    def _refusal(self, verdict: Verdict) -> Refused:
        status = self._settings.refusal_status
        return Refused(CODE, _MESSAGE, headers={"retry-after": str(verdict.seconds)}, status=status)

    def _policy(self, caller: Caller | None, headers: Headers, address: str) -> Policy | None:
        if not self._settings.enabled:
            return None
        if caller is not None:
            return self._of_caller(caller, headers)
        return Policy.of("default", f"address {address}", self._settings) if self._by_address else None

    def _of_caller(self, caller: Caller, headers: Headers) -> Policy:
        key = caller.digest, caller.rate_limit, client_name(headers) or ""
        known = self._policies.get(key)
        if known is None:
            if len(self._policies) >= _MOST_POLICIES:
                self._policies.clear()
            known = self._policies[key] = self._new_policy(caller, key[2])
        return known

    def _new_policy(self, caller: Caller, client: str) -> Policy:
        claims: Mapping[str, object] = caller.claims
        tenant = caller.tenant or ""
        # A token of others' may name nobody: then what else it says tells people apart.
        subject = str(claims.get("key") or caller.subject or caller.digest.hex())
        who = f"caller {claims.get('iss', '')} {tenant} {subject}"
        overrides = self._settings.overrides
        if subject in overrides.keys:
            return Policy.of("key", who, overrides.keys[subject])
        if caller.rate_limit is not None:
            return Policy.of("key", who, Quota(limit=caller.rate_limit, window=60.0))
        if client in overrides.clients:
            return Policy.of("client", who, overrides.clients[client])
        if tenant in overrides.tenants:
            return Policy.of("tenant", who, overrides.tenants[tenant])
        return Policy.of("default", who, self._settings)
