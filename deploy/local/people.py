"""The people of the demo: two tenants, and in each one user for every role. Names and ids never change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID, uuid5

from contracts.identity import CallerKind

_NAMESPACE = UUID("5b0d3c1e-6f2b-5a47-9c58-1c9a5f7e2d40")

_KINDS: Mapping[str, CallerKind] = MappingProxyType(
    {"portal_user": "CUSTOMER", "portal_manager": "CUSTOMER", "comanaged_technician": "COMANAGED"}
)


@dataclass(frozen=True, slots=True)
class Person:
    """A user of a tenant, with one role; `customers` are the numbers of the customers whose rows it may see, or all."""

    email: str
    name: str
    role: str
    customers: tuple[str, ...] | None = None

    @property
    def id(self) -> UUID:
        """Its identifier, the same on every machine."""
        return uuid5(_NAMESPACE, self.email)

    @property
    def kind(self) -> CallerKind:
        """On which side of the counter it stands."""
        return _KINDS.get(self.role, "STAFF")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A managed service provider."""

    slug: str
    name: str
    people: tuple[Person, ...]

    @property
    def id(self) -> UUID:
        """Its identifier, the same on every machine."""
        return uuid5(_NAMESPACE, self.slug)

    def with_role(self, role: str) -> Person:
        """The person who has this role."""
        return next(person for person in self.people if person.role == role)


NORDLICHT = Tenant(
    "nordlicht",
    "Nordlicht IT",
    (
        Person("inga.petersen@nordlicht.example", "Inga Petersen", "owner"),
        Person("hauke.jansen@nordlicht.example", "Hauke Jansen", "admin"),
        Person("meike.carstens@nordlicht.example", "Meike Carstens", "dispatcher"),
        Person("ole.hansen@nordlicht.example", "Ole Hansen", "technician"),
        Person("wiebke.lorenzen@nordlicht.example", "Wiebke Lorenzen", "senior_technician"),
        Person("jan.friedrichsen@nordlicht.example", "Jan Friedrichsen", "sales"),
        Person("silke.thomsen@nordlicht.example", "Silke Thomsen", "accountant"),
        Person("birte.nissen@nordlicht.example", "Birte Nissen", "project_manager"),
        Person("arne.matthiesen@nordlicht.example", "Arne Matthiesen", "vcio"),
        Person("levke.paulsen@nordlicht.example", "Levke Paulsen", "soc_analyst"),
        Person("tjark.boysen@nordlicht.example", "Tjark Boysen", "read_only"),
        Person("kontor@hansen-logistik.example", "Gesa Hansen", "portal_user", ("123",)),
        Person("leitung@foerde-dental.example", "Torben Asmussen", "portal_manager", ("101",)),
        Person("it@stadtwerke-ostsee.example", "Nele Brodersen", "comanaged_technician", ("104", "123")),
    ),
)

ALPENBLICK = Tenant(
    "alpenblick",
    "Alpenblick Systemhaus",
    (
        Person("resi.huber@alpenblick.example", "Resi Huber", "owner"),
        Person("toni.moser@alpenblick.example", "Toni Moser", "admin"),
        Person("vroni.eder@alpenblick.example", "Vroni Eder", "dispatcher"),
        Person("sepp.gruber@alpenblick.example", "Sepp Gruber", "technician"),
        Person("kathi.lechner@alpenblick.example", "Kathi Lechner", "senior_technician"),
        Person("max.steiner@alpenblick.example", "Max Steiner", "sales"),
        Person("leni.brandl@alpenblick.example", "Leni Brandl", "accountant"),
        Person("flori.kastner@alpenblick.example", "Flori Kastner", "project_manager"),
        Person("anni.wimmer@alpenblick.example", "Anni Wimmer", "vcio"),
        Person("hias.reiter@alpenblick.example", "Hias Reiter", "soc_analyst"),
        Person("burgi.aigner@alpenblick.example", "Burgi Aigner", "read_only"),
        Person("buero@bergbahn-karwendel.example", "Luis Neuner", "portal_user", ("2001",)),
        Person("chefin@hotel-zugspitze.example", "Zenta Bichler", "portal_manager", ("2002",)),
        Person("edv@klinikum-isar.example", "Beppo Haas", "comanaged_technician", ("2003",)),
    ),
)

TENANTS = (NORDLICHT, ALPENBLICK)

SCALE = Tenant(
    "scale",
    "Scale GmbH",
    (
        Person("owner@scale.example", "Kim Petersen", "owner"),
        Person("accountant@scale.example", "Robin Kaiser", "accountant"),
        Person("dispatcher@scale.example", "Toni Lange", "dispatcher"),
        *(
            Person(
                f"technician{number}@scale.example",
                f"Technician {number}",
                "technician" if number % 4 else "senior_technician",
            )
            for number in range(1, 25)
        ),
    ),
)
"""The tenant of some size that `./dev seed` fills; it is not there before."""
