"""What somebody who tries the platform may wish for in the environment of `./dev run`, as in production.

PSA_WEBHOOK_NETWORKS=127.0.0.0/8 ./dev run      webhooks may be sent to a receiver on this machine
PSA_MAIL_URL=smtp://127.0.0.1:1025 ./dev run    mails go to a server, and not into a folder of the home
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from subgraphs.kit.config import PREFIX


def wished(*names: str) -> Mapping[str, str]:
    """Those of these settings that the environment names."""
    said = {name: os.environ.get(f"{PREFIX}{name.upper()}") for name in names}
    return {name: value for name, value in said.items() if value}
