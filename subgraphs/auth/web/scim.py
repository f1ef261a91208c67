"""SCIM 2.0 over HTTP (RFC 7644): a directory looks after users and groups, with a token of the tenant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from subgraphs.auth import handles
from subgraphs.auth.errors import EmailTaken, NameTaken
from subgraphs.auth.handles import PLATFORM
from subgraphs.auth.models.people import Team, User
from subgraphs.auth.rules import scim as rules
from subgraphs.auth.rules import scim_schemas as shapes
from subgraphs.auth.rules.people import UserStatus
from subgraphs.auth.rules.scim import BadPath, Change, NoTarget
from subgraphs.auth.rules.scim_filters import BadFilter
from subgraphs.auth.service import scim
from subgraphs.auth.web.house import BadForm, House, body
from subgraphs.kit.errors import Invalid, NotFound, Refusal
from subgraphs.kit.ids import parsed
from subgraphs.kit.work import Work

_TYPE = "application/scim+json"
_MOST = 200
Answer = Callable[[Request, Work], Awaitable[Response]]


def routes(house: House) -> list[BaseRoute]:
    """The routes below /scim/v2."""
    provisioning = Provisioning(house)
    by_method: dict[str, dict[str, Answer]] = {
        "/scim/v2/Users": {"GET": provisioning.users, "POST": provisioning.create_user},
        "/scim/v2/Users/{id}": {
            "GET": provisioning.user,
            "PUT": provisioning.replace_user,
            "PATCH": provisioning.patch_user,
            "DELETE": provisioning.remove_user,
        },
        "/scim/v2/Groups": {"GET": provisioning.groups, "POST": provisioning.create_group},
        "/scim/v2/Groups/{id}": {
            "GET": provisioning.group,
            "PUT": provisioning.replace_group,
            "PATCH": provisioning.patch_group,
            "DELETE": provisioning.remove_group,
        },
        "/scim/v2/ServiceProviderConfig": {"GET": provisioning.config},
        "/scim/v2/ResourceTypes": {"GET": provisioning.types},
        "/scim/v2/ResourceTypes/{id}": {"GET": provisioning.type},
        "/scim/v2/Schemas": {"GET": provisioning.schemas},
        "/scim/v2/Schemas/{id}": {"GET": provisioning.schema},
    }
    return [
        Route(path, provisioning.guarded(answer), methods=[method])
        for path, answers in by_method.items()
        for method, answer in answers.items()
    ]


class Provisioning:
    """What a directory asks."""

    def __init__(self, house: House) -> None:
        self.house = house

    def guarded(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        """Let a directory in that has a token; refusals are errors in SCIM's words."""

        async def guarded(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            tenant = handles.tenant_of(token.strip()) or PLATFORM
            try:
                async with self.house.begin(tenant, "scim", request) as work:
                    if kind.lower() != "bearer" or not await scim.may(work, token.strip()):
                        return _error(401, "A token of the tenant is needed.")
                    return await answer(request, work)
            except Refusal as refused:
                return _refused(refused)
            except BadForm:
                return _error(413, "The request is too large.")

        return guarded

    # --- users

    async def users(self, request: Request, work: Work) -> Response:
        """Find users."""
        start, count = _slice(request)
        wanted = rules.wanted(request.query_params.get("filter"))
        total, rows = await scim.users(work, wanted, limit=count, offset=start - 1)
        return _list(total, start, [_wanted(request, one) for one in await self._users(work, list(rows))])

    async def user(self, request: Request, work: Work) -> Response:
        """One user."""
        user = await work.take(User, _id(request), field="id")
        return _json(_wanted(request, (await self._users(work, [user]))[0]))

    async def create_user(self, request: Request, work: Work) -> Response:
        """Write a user down."""
        user = await scim.create_user(work, rules.said_of_user(await _body(request)))
        return await self._user(work, user, 201)

    async def replace_user(self, request: Request, work: Work) -> Response:
        """Describe a user anew."""
        user = await scim.update_user(work, _id(request), rules.said_of_user(await _body(request)))
        return await self._user(work, user)

    async def patch_user(self, request: Request, work: Work) -> Response:
        """Change some of what describes a user."""
        changes, _ = rules.patched(await _body(request))
        user = await scim.update_user(work, _id(request), rules.said_of_user(changes, whole=False))
        return await self._user(work, user)

    async def remove_user(self, request: Request, work: Work) -> Response:
        """Close every door to a user; what they did stays theirs."""
        await scim.update_user(work, _id(request), {"active": False})
        return Response(status_code=204)

    async def _user(self, work: Work, user: User, status: int = 200) -> Response:
        await work.session.flush()
        shown = (await self._users(work, [user]))[0]
        return _json(shown, status, {"location": shown["meta"]["location"]} if status == 201 else None)

    async def _users(self, work: Work, rows: list[User]) -> list[dict[str, Any]]:
        named = await scim.external_ids(work, "User", [one.id for one in rows])
        return [self._shown_user(one, named.get(one.id)) for one in rows]

    def _shown_user(self, user: User, external_id: str | None) -> dict[str, Any]:
        name = {"givenName": user.first_name, "familyName": user.last_name, "formatted": user.display_name}
        return {
            "schemas": [rules.USER],
            "id": str(user.id),
            **({"externalId": external_id} if external_id else {}),
            "userName": user.email,
            "displayName": user.display_name,
            "name": {key: value for key, value in name.items() if value},
            "emails": [{"value": user.email, "type": "work", "primary": True}],
            "active": user.status is UserStatus.ACTIVE,
            "locale": user.locale,
            "timezone": user.time_zone,
            "meta": self._meta("User", user),
        }

    # --- groups

    async def groups(self, request: Request, work: Work) -> Response:
        """Find groups."""
        start, count = _slice(request)
        wanted = rules.wanted(request.query_params.get("filter"))
        total, rows = await scim.groups(work, wanted, limit=count, offset=start - 1)
        return _list(total, start, [_wanted(request, await self._shown_group(work, one)) for one in rows])

    async def group(self, request: Request, work: Work) -> Response:
        """One group."""
        team = await work.take(Team, _id(request), field="id")
        return _json(_wanted(request, await self._shown_group(work, team)))

    async def create_group(self, request: Request, work: Work) -> Response:
        """Write a group down."""
        said = await _body(request)
        members = rules.member_ids(said.get("members") or [])
        team = await scim.create_group(
            work, name=str(said.get("displayName", "")), members=members, external_id=_external(said)
        )
        shown = await self._shown_group(work, team)
        return _json(shown, 201, {"location": shown["meta"]["location"]})

    async def replace_group(self, request: Request, work: Work) -> Response:
        """Describe a group anew."""
        said = await _body(request)
        change = Change(replace=rules.member_ids(said.get("members") or []))
        return await self._changed(request, work, said, change)

    async def patch_group(self, request: Request, work: Work) -> Response:
        """Change some of what describes a group."""
        said, change = rules.patched(await _body(request))
        return await self._changed(request, work, said, change)

    async def _changed(self, request: Request, work: Work, said: dict[str, Any], change: Change) -> Response:
        name = said.get("displayName")
        team = await scim.update_group(
            work,
            _id(request),
            name=name if isinstance(name, str) else None,
            change=change,
            external_id=_external(said),
        )
        return _json(await self._shown_group(work, team))

    async def remove_group(self, request: Request, work: Work) -> Response:
        """Take a group away."""
        await scim.remove_group(work, _id(request))
        return Response(status_code=204)

    async def _shown_group(self, work: Work, team: Team) -> dict[str, Any]:
        external_id = (await scim.external_ids(work, "Group", [team.id])).get(team.id)
        return {
            "schemas": [rules.GROUP],
            "id": str(team.id),
            **({"externalId": external_id} if external_id else {}),
            "displayName": team.name,
            "members": [{"value": str(one), "type": "User"} for one in await scim.members(work, team)],
            "meta": self._meta("Group", team),
        }

    def _meta(self, kind: str, row: User | Team) -> dict[str, Any]:
        return {
            "resourceType": kind,
            "created": row.created_at.isoformat(),
            "lastModified": row.updated_at.isoformat(),
            "location": f"{self.house.issuer}/scim/v2/{kind}s/{row.id}",
            "version": f'W/"{row.version}"',
        }

    # --- about ourselves

    async def config(self, request: Request, work: Work) -> Response:
        """What we can do (RFC 7643 section 5)."""
        del request, work
        no, yes = {"supported": False}, {"supported": True}
        return _json(
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "patch": yes,
                "bulk": {**no, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {**yes, "maxResults": _MOST},
                "changePassword": no,
                "sort": no,
                "etag": no,
                "authenticationSchemes": [
                    {"type": "oauthbearertoken", "name": "Bearer token", "description": "A token of the tenant."}
                ],
            }
        )

    async def types(self, request: Request, work: Work) -> Response:
        """What there is (RFC 7643 section 6)."""
        del request, work
        found = self._types()
        return _list(len(found), 1, found)

    async def type(self, request: Request, work: Work) -> Response:
        """One kind of thing that there is."""
        del work
        found = [one for one in self._types() if one["id"] == request.path_params["id"]]
        return _json(found[0]) if found else _error(404, "There is no such resource type.")

    async def schemas(self, request: Request, work: Work) -> Response:
        """What the things look like that there are (RFC 7643 section 7)."""
        del request, work
        found = [self._schema(one) for one in shapes.SCHEMAS]
        return _list(len(found), 1, found)

    async def schema(self, request: Request, work: Work) -> Response:
        """What one kind of thing looks like."""
        del work
        found = shapes.schema(request.path_params["id"])
        return _json(self._schema(found)) if found else _error(404, "There is no such schema.")

    def _schema(self, one: Mapping[str, Any]) -> dict[str, Any]:
        where = f"{self.house.issuer}/scim/v2/Schemas/{one['id']}"
        return {**one, "meta": {"resourceType": "Schema", "location": where}}

    def _types(self) -> list[dict[str, Any]]:
        return [
            {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": kind,
                "name": kind,
                "endpoint": f"/{kind}s",
                "schema": schema,
                "meta": {
                    "resourceType": "ResourceType",
                    "location": f"{self.house.issuer}/scim/v2/ResourceTypes/{kind}",
                },
            }
            for kind, schema in (("User", rules.USER), ("Group", rules.GROUP))
        ]


async def _body(request: Request) -> dict[str, Any]:
    try:
        said = json.loads(await body(request))
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or "\\u0000" in json.dumps(said):
        raise Invalid("The request is no JSON object.")
    return said


def _external(said: dict[str, Any]) -> str | None:
    value = said.get("externalId")
    return value[:500] if isinstance(value, str) else None


def _wanted(request: Request, resource: dict[str, Any]) -> dict[str, Any]:
    given = request.query_params
    return shapes.asked_for(resource, given.get("attributes", ""), given.get("excludedAttributes", ""))


def _id(request: Request) -> UUID:
    found = parsed(request.path_params["id"])
    if found is None:
        raise NotFound("There is no such resource.", field="id")
    return found


def _slice(request: Request) -> tuple[int, int]:
    """Where a page begins, counted from 1, and how many it holds."""
    try:
        start = max(1, int(request.query_params.get("startIndex", "1")))
        count = max(0, min(_MOST, int(request.query_params.get("count", "100"))))
    except ValueError:
        raise Invalid("startIndex and count are numbers.") from None
    return min(start, 1_000_000), count


def _list(total: int, start: int, resources: list[dict[str, Any]]) -> Response:
    return _json(
        {
            "schemas": [rules.LIST],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


_KINDS: tuple[tuple[type[Refusal], str], ...] = (
    (BadFilter, "invalidFilter"),
    (BadPath, "invalidPath"),
    (NoTarget, "noTarget"),
    (Invalid, "invalidValue"),
)
"""What makes no sense, in SCIM's words (RFC 7644, 3.12); the first that fits."""


def _refused(refused: Refusal) -> Response:
    match refused:
        case NotFound():
            return _error(404, refused.message)
        case EmailTaken() | NameTaken():
            return _error(409, refused.message, "uniqueness")
        case Invalid():
            return _error(400, refused.message, next(kind for one, kind in _KINDS if isinstance(refused, one)))
        case _:
            return _error(409, refused.message)


def _error(status: int, detail: str, kind: str | None = None) -> Response:
    said = {"schemas": [rules.ERROR], "status": str(status), "detail": detail}
    headers = {"www-authenticate": "Bearer"} if status == 401 else None
    return _json({**said, **({"scimType": kind} if kind else {})}, status, headers)


def _json(said: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(said, status, headers={"cache-control": "no-store", **(headers or {})}, media_type=_TYPE)
