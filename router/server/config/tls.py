"""Settings: certificates, of ours and of those whom we believe, on both sides."""

from __future__ import annotations

from pydantic import Field, FilePath

from router.server.config.section import Section


class ClientAuthentication(Section):
    """Who we are to a subgraph that wants to know (mutual TLS)."""

    certificate_chain: FilePath = Field(description="Our certificate and those between it and its authority (PEM).")
    key: FilePath = Field(description="Its private key (PEM).")


class SubgraphTls(Section):
    """The certificates on the way to a subgraph."""

    certificate_authorities: FilePath | None = Field(
        None, description="Who signs the subgraph's certificate (PEM); `subgraphs.ca_file` when absent."
    )
    client_authentication: ClientAuthentication | None = None


class SubgraphsTls(Section):
    """The certificates on the way to subgraphs."""

    all: SubgraphTls = SubgraphTls()
    subgraphs: dict[str, SubgraphTls] = Field(default_factory=dict)

    def of(self, service: str) -> SubgraphTls:
        """Return what holds for one subgraph: its own section or that for all, not a mixture."""
        return self.subgraphs.get(service, self.all)


class SupergraphTls(Section):
    """The certificate with which we serve; without it we speak plain HTTP."""

    certificate_chain: FilePath = Field(description="Our certificate and those between it and its authority (PEM).")
    key: FilePath = Field(description="Its private key (PEM).")
    client_certificate_authorities: FilePath | None = Field(
        None, description="Who signs the certificates that clients then have to show (mutual TLS)."
    )


class Tls(Section):
    """Encrypted connections."""

    supergraph: SupergraphTls | None = None
    subgraph: SubgraphsTls = SubgraphsTls()
