"""Back-channel logout: the clients that were let in by a session are told when it ends (OpenID Connect Back-Channel Logout 1.0)."""

from __future__ import annotations

import httpx2
import structlog
from sqlalchemy import select, union

from subgraphs.auth.models.credentials import Session
from subgraphs.auth.models.oauth import AuthorizationCode, RefreshToken
from subgraphs.auth.service import clients, keys
from subgraphs.kit import jobs, outside
from subgraphs.kit.ids import uuid7
from subgraphs.kit.jobs import Job, Payload
from subgraphs.kit.work import Work

_NAME = "auth.backchannel_logout"
_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_TOKEN_SECONDS = 120
_SECONDS = 5.0

log = structlog.get_logger(__name__)


async def tell_clients(work: Work, session: Session) -> None:
    """Have everybody told whom this session let in and who asked to be told, with a refresh token or without."""
    query = union(
        select(RefreshToken.client_id).where(RefreshToken.session_id == session.id),
        select(AuthorizationCode.client_id).where(
            AuthorizationCode.session_id == session.id, AuthorizationCode.used_at.is_not(None)
        ),
    )
    for client_id in (await work.session.scalars(query)).all():
        payload = {"client": client_id, "user": str(session.user_id), "session": str(session.id)}
        await jobs.enqueue(work, _NAME, payload, key=f"{_NAME}/{session.id}/{client_id}")


async def _tell(work: Work, payload: Payload) -> None:
    """Send one client a logout token; one that has gone away is not told for ever."""
    client = await clients.find(work, str(payload["client"]))
    if client is None or client.backchannel_logout_uri is None:
        return
    issuer = work.settings.needed("issuer")
    now = int(work.at.timestamp())
    claims = {
        "iss": issuer,
        "aud": client.client_id,
        "iat": now,
        "exp": now + _TOKEN_SECONDS,
        "jti": str(uuid7()),
        "sub": payload["user"],
        "sid": payload["session"],
        "events": {_EVENT: {}},
    }
    token = (await keys.ring(work)).signed(claims, client.id_token_alg, kind="logout+jwt")
    async with outside.client(outside.neighbours(work.settings), seconds=_SECONDS) as http:
        response = await http.post(client.backchannel_logout_uri, data={"logout_token": token})
    if response.status_code >= 500:
        raise httpx2.HTTPError(f"{client.name} answered {response.status_code}")
    log.info("logout.told", client=client.client_id, status=response.status_code)


TELL = Job(_NAME, _tell, tries=5)
