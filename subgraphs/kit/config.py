"""The settings of one module's process: read once at its start, frozen, passed down.

Each setting is an environment variable with the prefix `PSA_`. An unknown one is an error, because a misspelt setting
that is silently ignored is worse than none.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PREFIX = "PSA_"


class Settings(BaseModel):
    """Everything that differs between two processes of the same module."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL as the runtime role: postgresql://tickets:…@host/psa"
    )
    database_owner_url: SecretStr | None = Field(
        None, description="The same as the owner role; only `migrate` needs it."
    )
    database_relay_url: SecretStr | None = Field(
        None, description="The same as the relay role; `relay` and `work` need it."
    )
    database_pool: int = Field(10, ge=1, le=100, description="Connections that one process may hold.")
    redis_url: SecretStr | None = Field(None, description="Redis: redis://host:6379/0")
    amqp_url: SecretStr | None = Field(None, description="RabbitMQ: amqp://user:password@host/psa")
    router_url: str | None = Field(None, description="Where the router listens; the module registers there.")
    registry_token: SecretStr | None = Field(
        None, description="The secret that lets a module register: the router's PSA_ROUTER_REGISTRY__TOKEN."
    )
    internal_jwks: str | None = Field(
        None, description="The router's public keys: http://psa-router:4000/registry/jwks.json, or a file."
    )
    listen_host: str = Field("127.0.0.1", description="The address to listen on.")
    listen_port: int = Field(8443, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    public_url: str | None = Field(None, description="Where the router reaches this process.")
    issuer: str | None = Field(
        None,
        description="The origin that everybody sees, as https://psa.example.com: who issues tokens."
        " For auth, and for crm, whose quotes on paper lead there.",
    )
    sealing_key_file: str | None = Field(
        None,
        description="A file with the 32 bytes (base64) that seal what must not be readable in the database:"
        " private keys, second factors, secrets of webhooks and channels. For auth, integrations and notify, to each its own."
        " Make one: python -m subgraphs.auth new-sealing-key > sealing.key",
    )
    webhook_networks: str | None = Field(
        None,
        description="Networks of your own that webhooks may be sent to, also without TLS: 10.20.0.0/16, 192.168.7.4/32."
        " Without it only what the whole internet can reach. For integrations.",
    )
    mail_url: SecretStr | None = Field(
        None,
        description="Where mails go: smtp://user:password@host:587, or a folder: file:///var/mail/out."
        " For auth, and for notify where a tenant has no mail server of its own.",
    )
    mail_from: str | None = Field(None, description="The sender of our mails. For auth and notify.")
    app_url: str | None = Field(
        None,
        description="Where the people's app shows a thing: https://app.example.com/{type}/{id}. For notify.",
    )
    breached_passwords_url: str | None = Field(
        None, description="Ask this service whether a password is known to be stolen, by five digits of its hash."
    )
    password_hashing: str = Field(
        "m=65536,t=3,p=4",
        pattern=r"^m=[1-9]\d{1,6},t=[1-9]\d?,p=[1-9]\d?$",
        description="What hashing a password costs (argon2id): KiB of memory, passes, lanes. For auth.",
    )

    vies_url: str = Field(
        "https://ec.europa.eu/taxation_customs/vies/rest-api",
        description="Where the register of VAT ids is asked, when somebody says so (checkVatId). For billing.",
    )
    files_folder: str | None = Field(
        None, description="A folder for the files of tickets; without one they are kept in the database. For tickets."
    )

    @field_validator("webhook_networks")
    @classmethod
    def _are_networks(cls, text: str | None) -> str | None:
        _networks(text)
        return text

    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks in `webhook_networks`."""
        return _networks(self.webhook_networks)

    def needed(self, name: str) -> str:
        """The value of a setting that this process cannot do without; raises `Misconfigured` when it is absent."""
        value = getattr(self, name)
        if value is None:
            raise Misconfigured(f"{PREFIX}{name.upper()} is not set. {type(self).model_fields[name].description}")
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _networks(text: str | None) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one.strip()) for one in (text or "").split(",") if one.strip())


class Misconfigured(Exception):
    """The settings make no sense; the message names the setting and the remedy."""


def read(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; raises `Misconfigured` naming what is wrong."""
    given = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}
    for name in given.keys() - Settings.model_fields.keys():
        raise Misconfigured(f"{PREFIX}{name.upper()} is no setting{_suggestion(name)}.")
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = f"{PREFIX}{str(first['loc'][0]).upper()}"
        raise Misconfigured(f"{name}: {first['msg']}.") from None


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return f"; did you mean {PREFIX}{close[0].upper()}?" if close else ""


def shown(settings: Settings) -> dict[str, str]:
    """The effective settings with secrets hidden, for people to look at."""
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in settings if value is not None}
