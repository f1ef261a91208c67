"""Settings: from where they come, which wins, and what a misspelt one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.server.config import Misconfigured, RouterConfig, read, shown


def test_defaults_need_nothing() -> None:
    assert read(None, {}) == RouterConfig()
    assert read(None, {"PSA_ROUTER_URL": "http://router", "PSA_DATABASE_URL": "x"}) == RouterConfig()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "router.yaml"
    file.write_text("listen: {port: 1, host: a}\nlimits: {depth: 3}\nregistry: {token: s3cret}\n")
    environment = {"PSA_ROUTER_LISTEN__PORT": "2", "PSA_ROUTER_LIMITS__ALIASES": "9"}

    config = read(file, environment, listen__port=3, supergraph_file=None)

    assert (config.listen.host, config.listen.port) == ("a", 3)
    assert (config.limits.depth, config.limits.aliases) == (3, 9)
    assert config.registry.token is not None
    assert config.registry.token.get_secret_value() == "s3cret"


def test_lists_and_maps_come_as_json() -> None:
    environment = {
        "PSA_ROUTER_SUBGRAPHS__FORWARDED_HEADERS": '["a", "b"]',
        "PSA_ROUTER_SUBGRAPHS__URLS": '{"crm": "http://x"}',
    }

    config = read(None, environment)

    assert config.subgraphs.forwarded_headers == ("a", "b")
    assert config.subgraphs.urls == {"crm": "http://x"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PSA_ROUTER_LISTN__PORT": "1"}, "listn is no setting; did you mean listen?"),
        ({"PSA_ROUTER_LIMITS__DEEPTH": "1"}, "limits.deepth is no setting; did you mean limits.depth?"),
        ({"PSA_ROUTER_XYZ": "1"}, "xyz is no setting."),
        ({"PSA_ROUTER_LISTEN__PORT": "70000"}, "listen.port: Input should be less than or equal to 65535."),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_suggestion(environment: dict[str, str], message: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        read(None, environment)

    assert str(refused.value) == message


@pytest.mark.parametrize("text", ["a: [", "- 1\n"])
def test_a_file_that_is_no_map_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "router.yaml"
    file.write_text(text)

    with pytest.raises(Misconfigured, match=r"router\.yaml"):
        read(file, {})


def test_secrets_are_hidden() -> None:
    config = read(None, {"PSA_ROUTER_REGISTRY__TOKEN": "s3cret"})

    assert "s3cret" not in shown(config)
    assert "token: '**********'" in shown(config)
    assert "s3cret" not in repr(config)
