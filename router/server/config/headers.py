"""Settings: which headers travel between clients and subgraphs."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from router.executor import headers
from router.server.config.section import Section


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as fault:
        raise ValueError(f"{value!r} is no regular expression: {fault}") from fault
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


class Choice(Section):
    """One header by name, or all that match."""

    named: str | None = Field(None, description="The header's name.")
    matching: Pattern | None = Field(None, description="A regular expression for names.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.named is None) == (self.matching is None):
            raise ValueError("needs either `named` or `matching`")
        return self

    def names(self) -> headers.Names:
        """Return which headers are meant."""
        return headers.Names(self.named, re.compile(self.matching, re.IGNORECASE) if self.matching else None)


class Propagation(Choice):
    """A header that travels."""

    rename: str | None = Field(None, description="The name under which it arrives.")
    default: str | None = Field(None, description="What arrives when it's not there (with `named`).")


class ReturnedPropagation(Propagation):
    """A header that travels back."""

    algorithm: Literal["first", "last", "append"] = Field(
        "last", description="Whose value counts when several subgraphs say it; `append` takes all."
    )


Known = Literal[
    "apollo::authentication::jwt_claims",
    "apollo::supergraph::operation_name",
    "apollo::supergraph::operation_kind",
    "apollo::telemetry::client_name",
    "apollo::telemetry::client_version",
]


class Insertion(Section):
    """A header of our own."""

    name: str = Field(description="Its name.")
    value: str | None = Field(None, description="Its value.")
    claim: str | None = Field(None, description="The claim of the verified token that is its value.")
    from_context: Known | None = Field(None, description="What is known of the request, under Apollo's names.")

    @model_validator(mode="before")
    @classmethod
    def _nothing_of_the_body(cls, given: Any) -> Any:
        if isinstance(given, dict) and "path" in given:
            raise ValueError(
                "what stands in the body (`path`) can't be inserted; a hook can do it (on_subgraph_request)"
            )
        return given

    @field_validator("from_context", mode="before")
    @classmethod
    def _something_known(cls, given: Any) -> Any:
        if given is not None and given not in get_args(Known):
            raise ValueError(
                f"{given!r} isn't known here; one of {', '.join(get_args(Known))} is, and a hook can insert anything else "
                "(on_subgraph_request)"
            )
        return given

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if sum(given is not None for given in (self.value, self.claim, self.from_context)) != 1:
            raise ValueError("needs one of `value`, `claim` and `from_context`")
        return self


class _OneOf(Section):
    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(getattr(self, name) is not None for name in type(self).model_fields) != 1:
            raise ValueError("a rule is exactly one of propagate, insert and remove")
        return self


class RequestRule(_OneOf):
    """One step on the way to a subgraph."""

    propagate: Propagation | None = None
    insert: Insertion | None = None
    remove: Choice | None = None

    def rule(self) -> headers.Rule:
        """Return what the executor applies."""
        if self.propagate:
            return headers.Propagate(self.propagate.names(), self.propagate.rename, self.propagate.default)
        return _own(self.insert, self.remove)


class ResponseRule(_OneOf):
    """One step on the way back."""

    propagate: ReturnedPropagation | None = None
    insert: Insertion | None = None
    remove: Choice | None = None

    def rule(self) -> headers.Rule:
        """Return what the executor applies."""
        if self.propagate:
            given = self.propagate
            return headers.Propagate(given.names(), given.rename, given.default, given.algorithm)
        return _own(self.insert, self.remove)


def _own(insert: Insertion | None, remove: Choice | None) -> headers.Rule:
    if insert:
        return headers.Insert(insert.name, insert.value, insert.claim, insert.from_context)
    return headers.Remove((remove or Choice(named="")).names())


class Directions(Section):
    """The rules of both ways, in the order in which they are applied."""

    request: tuple[RequestRule, ...] = ()
    response: tuple[ResponseRule, ...] = ()


class HeaderRules(Section):
    """Which headers travel; those for all subgraphs come before those for one."""

    all: Directions = Directions()
    subgraphs: dict[str, Directions] = Field(default_factory=dict)

    def to_services(self) -> headers.Rules:
        """Return the rules of the way to the subgraphs."""
        own = {name: tuple(rule.rule() for rule in given.request) for name, given in self.subgraphs.items()}
        return headers.Rules(tuple(rule.rule() for rule in self.all.request), own)

    def to_client(self) -> headers.Rules:
        """Return the rules of the way back."""
        own = {name: tuple(rule.rule() for rule in given.response) for name, given in self.subgraphs.items()}
        return headers.Rules(tuple(rule.rule() for rule in self.all.response), own)
