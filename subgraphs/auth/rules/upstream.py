"""What is true of providers of others: which languages they speak, and by which names they know what we want to know."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class ProviderType(Enum):
    """Which language a provider speaks."""

    OIDC = "OIDC"
    """OpenID Connect."""
    SAML = "SAML"
    """SAML 2.0."""


SAML_CLAIMS: Mapping[str, str] = MappingProxyType(
    {
        "email": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
        "name": "http://schemas.microsoft.com/identity/claims/displayname",
    }
)
"""Where a SAML provider's assertion has what we want to know, unless somebody says otherwise: as Entra ID has it."""

SAML_GROUPS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
