"""What a running platform tells whoever looks after it by hand: readable by nobody else, and gone when it stops."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local import by_hand
from deploy.local.home import Trouble
from subgraphs.kit import config
from subgraphs.kit.config import Settings

KNOWN = Settings(
    issuer="http://localhost:4000", database_url=SecretStr("postgresql://auth:x@127.0.0.1/psa"), database_pool=5
)


def test_the_settings_of_a_running_platform_are_read_back_and_go_with_it(tmp_path: Path) -> None:
    file = tmp_path / "identity" / "modules.json"
    for _ in range(2):  # also after a run that was killed, and left them behind
        with by_hand.remembered(tmp_path, {"auth": KNOWN}):
            assert config.read(by_hand.told(tmp_path)["auth"]) == KNOWN
            assert file.stat().st_mode & 0o777 == 0o600
            assert file.stat().st_uid == os.getuid()
        assert not file.exists()
        file.write_text("{}")

    file.unlink()
    with pytest.raises(Trouble, match=r"\./dev run"):
        by_hand.told(tmp_path)
