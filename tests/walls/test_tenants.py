"""No tenant reads or writes what is another's, through whatever door and with whatever it has got hold of."""

from __future__ import annotations

import time
from tests.walls.attack import Attack, ends_of_outboxes
from tests.walls.probes import commands, questions
from tests.walls.search import marks, tokens
from tests.walls.twins import loot


async def test_first(platform, tenant, heard):
    t=time.time()
    a = await tenant("a"); b = await tenant("b")
    print("built", time.time()-t)
    foreign = await loot(platform, "tenant_id = $1", b.tenant)
    print({k: len(v) for k,v in foreign.ids.items()}, {k: len(v) for k,v in foreign.texts.items()})
    secrets = frozenset().union(*[tokens(await platform.text(x, "tenant_id = $1", b.tenant)) for x in await platform.tables()])
    mine = frozenset().union(*[tokens(await platform.text(x, "tenant_id = $1", a.tenant)) for x in await platform.tables()])
    print(len(secrets), len(mine), len(secrets-mine))
    at = Attack(platform, a.staff(), frozenset(secrets-mine))
    t=time.time()
    some = foreign.some(1)
    await at.run(questions(platform.api, some, a.x.ids))
    print("questions", at.probes, time.time()-t, platform.requests); t=time.time()
    await at.run_entities(foreign, await loot(platform, "tenant_id = $1", a.tenant))
    print("entities", at.probes, time.time()-t, platform.requests); t=time.time()
    await at.run(commands(platform.api, some, a.x.ids, marks("az")))
    print("commands", at.probes, time.time()-t, platform.requests); t=time.time()
    print(at.findings[:10], at.faults[:10], len(at.faults))
    print(len(heard.getvalue()))
    at.search_log(heard.getvalue())
    print(at.findings[:10])
