"""How the response cache is set: in our words and in Apollo's, and what makes no sense is refused."""

from __future__ import annotations

from typing import Any

import pytest

from router.server.app import build
from router.server.config import Misconfigured, RouterConfig
from router.server.config.apollo import translate


async def test_hooks_that_see_fetches_and_kept_answers_exclude_each_other() -> None:
    config = {"response_cache": {"enabled": True}, "hooks": [{"path": f"{__name__}:SeesFetches"}]}

    with pytest.raises(Misconfigured, match="hooks that see fetches"):
        build(RouterConfig.model_validate(config))


class SeesFetches:
    """A hook that has something to say about fetches."""

    async def on_subgraph_request(self, request: Any, fetch: Any) -> None:
        """Say nothing."""


def test_apollos_words_for_it_are_understood() -> None:
    redis = {"urls": ["redis://r:6379"], "timeout": "5ms", "ttl": "1h", "pool_size": 4}
    subgraphs = {"accounts": {"private_id": "user_id", "ttl": "5m", "redis": redis}}
    of_all = {"enabled": True, "redis": redis, "invalidation": {"enabled": True, "shared_key": "agirlhasnoname"}}
    theirs = {"enabled": True, "subgraph": {"all": of_all, "subgraphs": subgraphs}, "metrics": {"enabled": True}}
    read = [translate({name: theirs}) for name in ("preview_entity_cache", "response_cache")]
    ours = RouterConfig.model_validate(read[0].settings).response_cache

    assert read[0].settings == read[1].settings
    assert [note.key.partition(".")[0] for note in read[0].notes] == ["preview_entity_cache"] * 3
    assert (ours.enabled, ours.storage, ours.redis.timeout, ours.redis.ttl) == (True, "redis", 0.005, 3600)
    assert ours.subgraph.of("accounts").private_id == ("user_id",)
    assert ours.subgraph.of("accounts").ttl == 300
    (both,) = translate({"preview_entity_cache": {}, "response_cache": {}}).faults
    assert str(both) == "preview_entity_cache and response_cache are the same; one of them has to go."


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"events": {"invalidate": {"a.*": {"tags": "a"}}}}, "events.url must say"),
        ({"events": {"url": "amqp://x"}}, "events.invalidate must say"),
        ({"events": {"url": "amqp://x", "invalidate": {"a b": {"tags": "a"}}}}, "no type of event"),
        ({"events": {"url": "amqp://x", "invalidate": {"a": {"tags": "a-{id.x}"}}}}, "nothing that an event has"),
        ({"events": {"url": "amqp://x", "invalidate": {"a": {}}}}, "has to invalidate tags or types"),
        ({"memory": {"limit": "1kb"}}, "greater than or equal to 100000"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        RouterConfig.model_validate({"response_cache": given})
