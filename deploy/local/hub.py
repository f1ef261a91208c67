"""What the module integrations must know on this machine, beside the others' settings."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local import home as homes
from deploy.local.wishes import wished
from subgraphs.kit import sealing


def registry_token(home: Path) -> str:
    """What opens the router's registry, where all modules run in the router's own process."""
    return homes.private_file(home / "identity" / "registry-token", lambda: secrets.token_urlsafe(32)).strip()


def settings(home: Path) -> Mapping[str, str]:
    """The key that seals the secrets of webhooks, and where they may be sent besides the internet."""
    file = home / "identity" / "webhooks.key"
    homes.private_file(file, sealing.new_key)
    return {"sealing_key_file": str(file), **wished("webhook_networks")}
