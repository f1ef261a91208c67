"""What is not yours answers like what is not there: same code, same words, same shape, at every door.

Two tenants that look alike ask the same things in the same order. One names things of a third tenant, the other names
things that nobody has. Apart from what is each one's own, the answers must be the same to the letter.
"""

from __future__ import annotations

import json
import re
from uuid import NAMESPACE_OID, uuid5

import pytest

from tests.walls.probes import Foreign, commands, entities, entity_operation, naming, operation, questions
from tests.walls.search import marks
from tests.walls.test_tenants import known_of

pytestmark = pytest.mark.timeout(900)

_OWN = re.compile(
    r"\b[0-9a-f]{32}\b|(?<=\"prefix\":\")\w{10}|(?<=\"clientId\":\")[\w-]+|(?<=\"client_id\":\")[\w-]+|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?i:zz[a-z]{2}\d{5}|de[a-z]{2}zz\w+)|02(?::[0-9a-f]{2}){5}|10(?:\.\d{1,3}){3}"
    r"|\d{4}-\d\d-\d\dT[\d:.+Z]+|[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d|(?<=\")[A-Za-z0-9_-]{40,}(?=\")"
    r"|(?<=\"label\":\")(?:[^\"\\]|\\.)*"
    r"|expires=\d+&signature=[0-9a-f]+"
)
_SIZES = re.compile(r"(?<=\"sizeBytes\":)\d+|(?<=\"pdf_size_bytes\":)\d+")
"""Of papers on which stands whose they are."""


def invented(foreign: Foreign) -> Foreign:
    """As many identifiers that nobody has."""
    return Foreign({kind: [str(uuid5(NAMESPACE_OID, one)) for one in ids] for kind, ids in foreign.ids.items()})


async def answers(platform, twin, foreign):
    """What is answered to every question and command that names something foreign, without what is one's own."""
    given = {}
    only_ids = Foreign(foreign.some(1).ids)
    asked = [
        *naming(questions(platform.api, only_ids, twin.x.ids)),
        *commands(platform.api, only_ids, twin.x.ids, marks("qq")),
    ]
    for number, probe in enumerate(asked):
        text, variables = operation(platform.api, probe)
        answer = _OWN.sub("*", _SIZES.sub("0", await platform.ask(twin.staff(), text, variables)))
        given[f"{number}: {probe.position or probe.field}"] = _in_any_order(probe.field, str(probe.position), answer)
    for module, schema in platform.subgraphs.items():
        for entity in entities(schema):
            named = [{"__typename": entity, "id": one} for ids in foreign.ids.values() for one in ids]
            answer = await platform.ask_module(module, twin.staff(), entity_operation(schema, entity), {"r": named})
            given[f"{module}.{entity}"] = _OWN.sub("*", _SIZES.sub("0", answer))
    return given


def _in_any_order(field, position, answer):
    """One command writes several rows at one moment, and their entries in the audit may stand in either order.

    Which of them are on a page is then left to chance, too: only whole answers are compared.
    """
    listed = json.loads(answer).get("data") or {}
    if not field.endswith("Audit") or not isinstance(listed.get(field), list):
        return answer
    if position.endswith(("(limit)", "(offset)")):
        return "a page of it"
    return str(sorted(map(json.dumps, listed[field])))


async def test_what_is_not_yours_answers_like_what_is_not_there(platform, tenant):
    f, g, b = await tenant("f"), await tenant("g"), await tenant("b")
    foreign = await known_of(platform, b)
    state = await platform.state("tenant_id = $1", b.tenant)

    not_yours = await answers(platform, f, foreign)
    not_there = await answers(platform, g, invented(foreign))

    assert not_yours.keys() == not_there.keys()
    different = {key: (one, not_there[key]) for key, one in not_yours.items() if one != not_there[key]}
    assert different == {}
    assert await platform.state("tenant_id = $1", b.tenant) == state
    assert sum("NOT_FOUND" in one for one in not_yours.values()) > 100
