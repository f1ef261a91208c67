"""Settings: which web pages of other origins may read our answers."""

from __future__ import annotations

import re
from typing import Self

from pydantic import Field, field_validator, model_validator

from router.server.config.section import Section
from router.server.config.units import Seconds


class CorsPolicy(Section):
    """What pages of some origins may do; what is absent here is as it is for all."""

    origins: tuple[str, ...] = Field((), description="Origins, letter by letter: `https://app.example.com`.")
    match_origins: tuple[str, ...] = Field((), description="Regular expressions; one that matches the whole origin.")
    allow_credentials: bool | None = Field(None, description="Whether cookies may be sent along.")
    allow_headers: tuple[str, ...] | None = Field(None, description="Headers that pages may send.")
    expose_headers: tuple[str, ...] | None = Field(None, description="Headers of the answer that pages may read.")
    methods: tuple[str, ...] | None = Field(None, description="Methods that pages may use.")
    max_age: Seconds | None = Field(None, description="How long a browser may remember this: seconds, or `2h`.")

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin == "*":
                raise ValueError("use `allow_any_origin: true` to allow any origin")
            if origin.endswith("/"):
                raise ValueError(f"origins cannot have trailing slashes: {origin}")
        return origins

    @field_validator("match_origins")
    @classmethod
    def _are_expressions(cls, expressions: tuple[str, ...]) -> tuple[str, ...]:
        for expression in expressions:
            try:
                re.compile(expression)
            except re.error as fault:
                raise ValueError(f"{expression} is no regular expression: {fault}") from None
        return expressions


class Cors(Section):
    """Which pages of other origins may read our answers: none, unless it's said here."""

    allow_any_origin: bool = Field(default=False, description="Whether every page may, without credentials.")
    allow_credentials: bool = Field(default=False, description="Whether cookies may be sent along.")
    allow_headers: tuple[str, ...] = Field((), description="Headers that pages may send; those they ask for if empty.")
    expose_headers: tuple[str, ...] = Field((), description="Headers of the answer that pages may read.")
    methods: tuple[str, ...] = Field(("GET", "POST", "OPTIONS"), description="Methods that pages may use.")
    max_age: Seconds | None = Field(None, description="How long a browser may remember this: seconds, or `2h`.")
    policies: tuple[CorsPolicy, ...] = Field((), description="Rules by origin; the first that fits holds.")

    @model_validator(mode="after")
    def _credentials_need_names(self) -> Self:
        """Refuse what the Fetch standard makes browsers refuse, so that it's noticed here and not there."""
        parts: tuple[Cors | CorsPolicy, ...] = (self, *self.policies)
        for part in parts:
            if not (self.allow_credentials if part.allow_credentials is None else part.allow_credentials):
                continue
            if self.allow_any_origin and part is self:
                raise ValueError("allow_credentials needs named origins, not allow_any_origin")
            if any("*" in (names or ()) for names in (part.allow_headers, part.expose_headers, part.methods)):
                raise ValueError("allow_credentials needs named headers and methods, not `*`")
        return self
