"""Where SAML providers learn who we are, and where their pages post what they have to say."""

from __future__ import annotations

from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from subgraphs.auth import handles
from subgraphs.auth.errors import NotProven
from subgraphs.auth.rules import saml_documents as documents
from subgraphs.auth.service import saml, upstream
from subgraphs.auth.web.house import House, parameters
from subgraphs.kit.ids import parsed

log = structlog.get_logger(__name__)

_NOBODY = UUID(int=0)


class Saml:
    """The service provider's endpoints of every tenant."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def metadata(self, request: Request) -> Response:
        """What a provider enters to know us."""
        tenant = parsed(request.path_params["tenant"])
        if tenant is None:
            return Response(status_code=404)
        async with self.house.begin(tenant, "signIn", request) as work:
            text = documents.metadata(upstream.party(work))
        return Response(text, media_type="application/samlmetadata+xml", headers={"cache-control": "max-age=3600"})

    async def receive(self, request: Request) -> Response:
        """Take a response, which another site's page posts, and send the browser to where it shows who it is."""
        fields = await parameters(request)
        state = fields.get("RelayState", [""])[0]
        tenant = parsed(request.path_params["tenant"]) or _NOBODY
        try:
            if handles.tenant_of(state) != tenant:
                raise NotProven("Nobody left for there.")
            async with self.house.begin(tenant, "signIn", request) as work:
                await saml.receive(work, state, fields.get("SAMLResponse", [""])[0])
        except upstream.Trouble as trouble:
            log.info("saml.refused", reason=str(trouble))
            words = self.house.words(request)
            text = words.said("upstream_failed", name=words.company_there)
            return self.house.error_page(request, 401, title=words.error, text=text)
        return self.house.see(f"{upstream.CALLBACK}?state={state}")
