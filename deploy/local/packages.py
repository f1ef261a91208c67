"""Debian packages that the tests and the split platform need: installed where we may, without starting their services.

A package starts its service while it is installed, on the system's port and at every boot. `policy-rc.d` is Debian's
own way to forbid the first; disabled units prevent the second.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from deploy.local import services
from deploy.local.children import Say

_POLICY = Path("/usr/sbin/policy-rc.d")
_UNITS = Path("/lib/systemd/system")
_OURS = "#!/bin/sh\n# psa-platform: packages are being installed; their services shall not start\nexit 101\n"


@dataclass(frozen=True, slots=True)
class Package:
    """What we need from Debian: how it is called there, and how to see that it is here."""

    names: tuple[str, ...]
    program: Path
    services: tuple[str, ...] = ()


PACKAGES: Mapping[str, Package] = MappingProxyType(
    {
        "RabbitMQ": Package(("rabbitmq-server",), services.RABBITMQ, ("rabbitmq-server", "epmd")),
        "Redis": Package(("redis-server",), services.REDIS, ("redis-server",)),
        "Chromium": Package(("chromium", "chromium-driver"), Path("/usr/bin/chromedriver")),
    }
)


def missing(wanted: Iterable[str]) -> list[str]:
    """Which of these programs are not on this machine; looked up, because asking one for its version may start it."""
    return [name for name in wanted if not PACKAGES[name].program.exists()]


def install(wanted: Iterable[str], say: Say) -> dict[str, str]:
    """Install what is missing, and return for each that could not be had the reason and the remedy."""
    absent = missing(wanted)
    if not absent:
        return {}
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return {
            name: f"Only root on Debian may install it: apt-get install {' '.join(PACKAGES[name].names)}"
            for name in absent
        }
    with _services_asleep():
        say(f"Installing {', '.join(absent)} from Debian; this happens once and can take minutes …")
        return _install(absent, say)


def _install(absent: Iterable[str], say: Say) -> dict[str, str]:
    _apt_get("update")  # if it fails, the lists that are here may still do
    complaints = {}
    for name in absent:
        package = PACKAGES[name]
        new = [service for service in package.services if not _is_known(service)]
        complaint = _apt_get("install", "--yes", "--no-install-recommends", *package.names)
        if complaint:
            complaints[name] = complaint
            say(f"✗ {name}: {complaint}")
        else:
            _keep_off(new)
            say(f"✓ {name} installed")
    return complaints


def _apt_get(*arguments: str) -> str:
    """Run apt-get quietly; return what it complained about."""
    done = subprocess.run(
        ["apt-get", "-q", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "PATH": f"{os.defpath}:/usr/sbin:/sbin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return ""
    complaints = [line for line in done.stdout.splitlines() if line.startswith("E:")] or done.stdout.splitlines()
    return f"apt-get could not install it ({' / '.join(complaints[-2:])}); look at the network and at /etc/apt"


def _is_known(service: str) -> bool:
    return any((_UNITS / f"{service}.{kind}").exists() for kind in ("service", "socket"))


def _keep_off(services: Iterable[str]) -> None:
    """Keep the system's own instances from starting at the next boot; we run private ones."""
    path = {"PATH": f"{os.defpath}:/usr/sbin:/sbin"}
    for service in services:
        units = [f"{service}.{kind}" for kind in ("service", "socket") if (_UNITS / f"{service}.{kind}").exists()]
        for command in (["deb-systemd-helper", "disable", *units], ["update-rc.d", service, "disable"]):
            if shutil.which(command[0], path=path["PATH"]):
                subprocess.run(command, env=path, check=False, capture_output=True)


@contextmanager
def _services_asleep() -> Iterator[None]:
    """Forbid packages to start services; what the machine had there before is put back, also after a kill -9."""
    kept = _POLICY.with_name("policy-rc.d.psa-platform")
    if _POLICY.exists() and _POLICY.read_text(encoding="utf-8", errors="replace") != _OURS:
        _POLICY.rename(kept)
    _POLICY.write_text(_OURS, encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        if kept.exists():
            kept.rename(_POLICY)
        else:
            _POLICY.unlink()
