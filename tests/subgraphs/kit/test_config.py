"""Settings that make no sense are refused by name, with the remedy, and secrets stay secret."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from subgraphs.kit import config

URL = "postgresql://tickets:hunter2@db/psa"


def test_settings_come_from_the_environment_and_have_safe_defaults():
    settings = config.read({"PSA_DATABASE_URL": URL, "PSA_LISTEN_PORT": "9000", "PATH": "/bin"})

    assert settings.needed("database_url") == URL
    assert (settings.listen_host, settings.listen_port, settings.database_pool) == ("127.0.0.1", 9000, 10)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PSA_DATABSE_URL": URL}, "PSA_DATABSE_URL is no setting; did you mean PSA_DATABASE_URL?"),
        ({"PSA_COLOUR": "blue"}, "PSA_COLOUR is no setting."),
        ({"PSA_LISTEN_PORT": "http"}, "PSA_LISTEN_PORT: Input should be a valid integer"),
        ({"PSA_DATABASE_POOL": "0"}, "PSA_DATABASE_POOL: Input should be greater than or equal to 1"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(environment, words):
    with pytest.raises(config.Misconfigured) as refused:
        config.read(environment)

    assert str(refused.value).startswith(words)


def test_a_setting_that_is_needed_and_absent_says_what_it_is_for():
    with pytest.raises(config.Misconfigured, match="PSA_AMQP_URL is not set. RabbitMQ"):
        config.read({}).needed("amqp_url")


def test_secrets_are_hidden_when_settings_are_shown():
    settings = config.read({"PSA_DATABASE_URL": URL, "PSA_REGISTRY_TOKEN": "hunter2"})

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(config.shown(settings))


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        config.read({}).listen_port = 1
