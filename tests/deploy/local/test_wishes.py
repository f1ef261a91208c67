"""What the environment of `./dev run` says of the modules, as it would in production."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import accounts, hub


def test_a_developer_may_name_networks_for_webhooks_and_a_mail_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PSA_WEBHOOK_NETWORKS", "PSA_MAIL_URL", "PSA_MAIL_FROM", "PSA_APP_URL"):
        monkeypatch.delenv(name, raising=False)
    assert "webhook_networks" not in hub.settings(tmp_path)
    assert accounts.settings(tmp_path, "http://localhost:1")["mail_url"].startswith("file://")

    monkeypatch.setenv("PSA_WEBHOOK_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("PSA_MAIL_URL", "smtp://127.0.0.1:1025")

    assert hub.settings(tmp_path)["webhook_networks"] == "127.0.0.0/8"
    assert accounts.settings(tmp_path, "http://localhost:1")["mail_url"] == "smtp://127.0.0.1:1025"
    told = accounts.notify_settings(tmp_path, "http://localhost:1")
    assert (told["mail_url"], told["webhook_networks"]) == ("smtp://127.0.0.1:1025", "127.0.0.0/8")
