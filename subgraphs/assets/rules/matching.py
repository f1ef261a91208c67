"""Is what comes in a device that we know? Keys that tell devices apart, how sure each is, and what follows.

    serial number and maker    1.00    makers count their own
    asset tag                  0.95    somebody stuck it on
    hardware address           0.90    can be spoofed, docked, or moved with its card
    serial number alone        0.80    two makers may count alike
    host name, same customer   0.70    names are given again

Sure enough (0.9) and only one: it is that device. Likely (0.7), or more than one that is sure: somebody decides. Otherwise new.

What many devices have in common tells nothing, and is left out before anything is compared: what makers write where nobody wrote
anything ("To be filled by O.E.M.", "No Asset Tag"), names that systems give themselves ("localhost", "raspberrypi"), and addresses of
cards that are none (tunnels, bridges and adapters of virtual machines). Two serial numbers are two devices: of one maker without
doubt; of two, or of nobody knows whom, somebody decides, whatever else they share. A docking station lends its address to everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

_LONGEST_REPEAT = 4
"""One sign, again and again: up to so many may be the number of something, `7` or `1111`."""
_SURE = 90
_LIKELY = 70

_BLANKS = frozenset(
    {"", "0123456789", "123456789", "1234567890", "asset tag", "asset-1234567890", "asset tag#", "base board serial number",
     "chassis serial number", "default", "default string", "empty", "fill by oem", "invalid", "n/a", "n.a.", "na", "nil", "no asset information",
     "no asset tag", "no enclosure", "none", "not applicable", "not available", "not provided", "not specified", "null", "o.e.m.", "oem",
     "sernum", "serial", "serial number", "sn", "system asset tag", "system serial number", "tbd", "to be filled by o.e.m.", "to be filled by o.e.m",
     "to be filled by oem", "undefined", "unknown", "unspecified"}
)  # fmt: skip
"""What makers write where nobody wrote anything, as serial number or as asset tag."""
_HOSTS = frozenset(
    {"android", "archlinux", "debian", "default", "desktop", "desktop-pc", "diskstation", "dsm", "fedora", "fritz.box", "fritzbox", "homeassistant",
     "ipad", "iphone", "kali", "laptop", "localhost", "localhost.localdomain", "mac-mini", "macbook", "macbook-air", "macbook-pro", "imac",
     "minint", "openwrt", "pc", "pfsense", "photon-machine", "printer", "proxmox", "pve", "raspberry", "raspberrypi", "router", "server", "switch", "synology",
     "template", "truenas", "ubnt", "ubuntu", "unknown", "user-pc", "vm", "workstation"}
)  # fmt: skip
"""What systems call themselves before somebody gives them a name."""
_CARDS = (
    "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "44:45:53:54:", "00:05:9a:3c:7", "00:09:0f:aa:", "00:09:0f:fe:", "00:50:56:c0:00:", "00:ff:", "02:00:4c:4f:4f:50",
    "02:42:", "02:50:41:00:00:0", "02:50:f2:", "0a:00:27:00:00:", "20:41:53:59:4e:ff", "33:50:6f:45:30:30", "50:50:54:50:30:30",
    "7a:79:", "00:1c:42:00:00:0",
)  # fmt: skip
"""How the addresses of cards begin that no device has for itself: Cisco, Fortinet, Palo Alto and other tunnels, host adapters of VMware,
VirtualBox and Parallels, Docker's bridge, dial-up and loopback of Windows."""
_COMPANY = frozenset({"inc", "inc.", "incorporated", "corp", "corp.", "corporation", "co", "co.", "ltd", "ltd.", "limited", "gmbh", "ag", "llc", "computer", "computers"})  # fmt: skip


class Decision(Enum):
    """What becomes of something that came in."""

    CREATE = "CREATE"
    """It is new."""
    UPDATE = "UPDATE"
    """It is a device that we know."""
    REVIEW = "REVIEW"
    """Somebody has to decide."""
    IGNORE = "IGNORE"
    """It is not wanted."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What tells a device from others."""

    customer: UUID | None = None
    serial: str | None = None
    manufacturer: str | None = None
    tag: str | None = None
    hostname: str | None = None
    macs: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A device that it could be; the score in hundredths."""

    asset: UUID
    score: int


@dataclass(frozen=True, slots=True)
class Match:
    """What to do, and with which device."""

    decision: Decision
    candidates: tuple[Candidate, ...] = ()

    @property
    def best(self) -> Candidate | None:
        """The likeliest."""
        return self.candidates[0] if self.candidates else None


def score(incoming: Traits, known: Traits) -> int:
    """How sure it is that both are one device, in hundredths; devices of different customers never are."""
    if incoming.customer != known.customer:
        return 0
    serial, theirs = telling(incoming.serial), telling(known.serial)
    one_maker = _same(_maker(incoming.manufacturer), _maker(known.manufacturer))
    differ = serial is not None and theirs is not None and serial != theirs
    if differ and one_maker:
        return 0  # two numbers of one maker are two devices, whatever else they share
    rungs = (
        (100, serial is not None and serial == theirs and one_maker),
        (95, _same(telling(incoming.tag), telling(known.tag))),
        (90, bool(set(cards(incoming.macs)) & set(cards(known.macs)))),
        (80, serial is not None and serial == theirs),
        (70, _same(named(incoming.hostname), named(known.hostname))),
    )
    found = next((points for points, holds in rungs if holds), 0)
    return min(found, _LIKELY) if differ else found


def match(incoming: Traits, known: Iterable[tuple[UUID, Traits]]) -> Match:
    """What to do with something that came in, given the devices that share a key with it."""
    scored = [Candidate(asset, score(incoming, traits)) for asset, traits in known]
    likely = sorted((one for one in scored if one.score >= _LIKELY), key=lambda one: (-one.score, one.asset))
    if not likely:
        return Match(Decision.CREATE)
    sure = [one for one in likely if one.score == likely[0].score]
    clear = likely[0].score >= _SURE and len(sure) == 1
    return Match(Decision.UPDATE if clear else Decision.REVIEW, tuple(likely))


def twins(rows: Sequence[Traits]) -> dict[int, int]:
    """Rows of one import that are the same device as an earlier row: later place → earlier place.

    Only rows that share a sure key are compared: of 50,000 rows that would be a thousand million pairs.
    """
    found: dict[int, int] = {}
    seen: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        keys = list(_keys(row))
        candidates = sorted({at for key in keys for at in seen.get(key, ())})
        earlier = next((at for at in candidates if score(row, rows[at]) >= _SURE), None)
        if earlier is not None:
            found[place] = earlier
            continue
        for key in keys:
            seen.setdefault(key, []).append(place)
    return found


def _keys(row: Traits) -> Iterator[str]:
    """What two rows share when they are surely one device."""
    if serial := telling(row.serial):
        yield f"serial:{serial}"
    if tag := telling(row.tag):
        yield f"tag:{tag}"
    yield from (f"mac:{mac}" for mac in cards(row.macs))


def telling(text: str | None) -> str | None:
    """A serial number or asset tag as it is compared; None for what a maker writes on all of them."""
    plain = " ".join((text or "").split()).casefold()
    said = set(plain) - set("-. /:")
    blank = plain in _BLANKS or said <= {"0", "x"} or (len(said) == 1 and len(plain) > _LONGEST_REPEAT)
    return None if blank else plain


def named(text: str | None) -> str | None:
    """A host name as it is compared; None for what systems call themselves."""
    plain = (text or "").strip().casefold().rstrip(".")
    return None if plain in _HOSTS or plain.partition(".")[0] in _HOSTS else plain or None


def cards(macs: Iterable[str]) -> list[str]:
    """The hardware addresses that one device alone has."""
    return [mac for mac in macs if not mac.startswith(_CARDS)]


def _maker(text: str | None) -> str | None:
    """A maker without the form of its company: `Dell Inc.` is `Dell`."""
    words = [word for word in (text or "").casefold().replace(",", " ").split() if word not in _COMPANY]
    return " ".join(words) or None


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and one == other
