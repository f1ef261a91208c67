"""Settings: what happens to fields that a caller may not see, and who decides about policies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from router.server.config.section import Section


class AuthorizationErrors(Section):
    """Who learns of fields that were withheld."""

    log: bool = Field(default=True, description="Whether a request with withheld fields is a line in the log.")
    response: Literal["errors", "extensions", "disabled"] = Field(
        "errors",
        description="Where the client reads of them: `errors`, `extensions.authorizationErrors`, or nowhere.",
    )


class Directives(Section):
    """What `@authenticated`, `@requiresScopes` and `@policy` do."""

    enabled: bool = Field(default=True, description="Whether they are heeded.")
    dry_run: bool = Field(default=False, description="Whether they only report what they would withhold.")
    reject_unauthorized: bool = Field(
        default=False,
        description="Whether an operation with a field that its caller may not see is refused as a whole.",
    )
    errors: AuthorizationErrors = AuthorizationErrors()


class Policies(Section):
    """Who decides about `@policy`."""

    hooks: dict[str, str] = Field(
        default_factory=dict,
        description="The async function (`package.module.function`) that decides about each policy; `*` about all others.",
    )
    timeout_seconds: float = Field(
        1.0, gt=0, description="How long they may take together; a policy without an answer does not hold."
    )


class Authorization(Section):
    """What a caller may see."""

    require_authentication: bool = Field(
        default=True,
        description="Whether everybody needs a token where tokens are accepted; otherwise `@authenticated` says what does.",
    )
    directives: Directives = Directives()
    policies: Policies = Policies()
