"""What a router process needs before it may answer: nothing that keeps others out has a value by itself.

A router that modules register at is the platform's only door. It starts when it knows whose tokens open it, and when it has
a key of its own that modules can trust tomorrow, too; otherwise it says which setting is missing and how to make one. A
router over a supergraph of yours asks nobody for anything unless you say so, as gateways do.
"""

from __future__ import annotations

from router.server.config import Misconfigured, RouterConfig

_NOTHING = (
    "there is nothing to serve: neither supergraph_file (--supergraph) nor subgraphs_file (--subgraphs) is set, and no module"
    " can register without registry.token (PSA_ROUTER_REGISTRY__TOKEN; any long random text: openssl rand -base64 32)"
)
_NOBODY = (
    "authentication is not set, though modules may register here: everybody could ask everything."
    " PSA_ROUTER_AUTHENTICATION__ISSUER (https://psa.example.com), PSA_ROUTER_AUTHENTICATION__AUDIENCE (psa) and"
    " PSA_ROUTER_AUTHENTICATION__JWKS (where auth answers: http://psa-auth:8443/auth/jwks.json) say whose tokens are accepted"
)
_NO_KEY = (
    "authentication.signing_key_file (PSA_ROUTER_AUTHENTICATION__SIGNING_KEY_FILE) is not set: modules believe what this key"
    " signs, and all routers of a platform share it. Make one: python -m router new-signing-key > router.jwk"
)


def refuse_incomplete(config: RouterConfig) -> None:
    """Raise `Misconfigured` naming what is missing, and how to make it."""
    registers = config.registry.token is not None
    if not registers and config.supergraph_file is None and config.subgraphs_file is None:
        raise Misconfigured(_NOTHING)
    if registers and config.authentication is None and config.jwt is None:
        raise Misconfigured(_NOBODY)
    if registers and config.authentication is not None and config.authentication.signing_key_file is None:
        raise Misconfigured(_NO_KEY)
