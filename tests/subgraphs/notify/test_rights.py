"""Who may only look after their own notifications reaches none of the channels."""

from __future__ import annotations

from typing import Any

from tests.subgraphs.house import staff

OWN = frozenset({"notifications:read.own", "notifications:write.own"})


async def test_whoever_may_only_see_their_own_changes_no_channel(office: Any) -> None:
    service = office.service
    create = "mutation($i: CreateChannelConfigInput!) { createChannelConfig(input: $i) { channelConfig { id } errors { code } } }"
    given = {"kind": "TEAMS", "name": "Alarm", "secret": "https://prod-1.westeurope.logic.azure.com/workflows/x"}

    made = await service.data(create, i=given)
    assert made["createChannelConfig"]["errors"] == []
    answer = await service.ask(create, staff(scopes=OWN), i=given)
    seen = await service.data("{ channelConfigs { id } }", staff(scopes=OWN))
    all_of_them = await service.data("{ channelConfigs { id } }")

    assert answer["data"]["createChannelConfig"] == {"channelConfig": None, "errors": [{"code": "FORBIDDEN"}]}
    assert seen == {"channelConfigs": []}
    assert all_of_them == {"channelConfigs": [made["createChannelConfig"]["channelConfig"]]}
