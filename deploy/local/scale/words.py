"""What customers, people, devices and troubles are called here, in German and in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

SURNAMES: Sequence[str] = [
    "Müller",
    "Schmidt",
    "Schneider",
    "Fischer",
    "Weber",
    "Meyer",
    "Wagner",
    "Becker",
    "Schulz",
    "Hoffmann",
    "Schäfer",
    "Koch",
    "Bauer",
    "Richter",
    "Klein",
    "Wolf",
    "Schröder",
    "Neumann",
    "Schwarz",
    "Zimmermann",
    "Braun",
    "Krüger",
    "Hofmann",
    "Hartmann",
    "Lange",
    "Schmitt",
    "Werner",
    "Krause",
    "Meier",
    "Lehmann",
    "Köhler",
    "Herrmann",
    "König",
    "Walter",
    "Mayer",
    "Huber",
    "Kaiser",
    "Fuchs",
    "Peters",
    "Lang",
    "Scholz",
    "Möller",
    "Weiß",
    "Jung",
    "Hahn",
    "Schubert",
    "Vogel",
    "Friedrich",
    "Keller",
    "Günther",
    "Frank",
    "Berger",
    "Winkler",
    "Roth",
    "Beck",
    "Lorenz",
    "Baumann",
    "Franke",
    "Albrecht",
    "Schuster",
    "Simon",
    "Ludwig",
    "Böhm",
    "Winter",
    "Kraus",
    "Martin",
    "Schumacher",
    "Krämer",
    "Vogt",
    "Stein",
    "Jäger",
    "Otto",
    "Sommer",
    "Groß",
    "Seidel",
]

FIRST_NAMES: Sequence[str] = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Emma",
    "Felix",
    "Greta",
    "Hannes",
    "Ida",
    "Jonas",
    "Karla",
    "Lukas",
    "Marie",
    "Niklas",
    "Olivia",
    "Paul",
    "Rosa",
    "Simon",
    "Theresa",
    "Urs",
    "Vera",
    "Wiebke",
    "Jürgen",
    "Sönke",
    "Käthe",
    "Björn",
    "Günter",
    "Zoë",
    "Aylin",
    "Mehmet",
    "Olga",
    "Piotr",
    "Chiara",
    "Sean",
]

TRADES: Sequence[str] = [
    "Logistik",
    "Maschinenbau",
    "Steuerberatung",
    "Dental",
    "Bau",
    "Elektrotechnik",
    "Pflegedienst",
    "Druck",
    "Immobilien",
    "Metallbau",
    "Gartenbau",
    "Spedition",
    "Rechtsanwälte",
    "Apotheke",
    "Architekten",
    "Verlag",
    "Möbel",
    "Brauerei",
    "Werkzeuge",
    "Optik",
    "Consulting",
    "Foods",
    "Software",
    "Textil",
    "Medizintechnik",
]

FORMS: Sequence[str] = ("GmbH", "GmbH & Co. KG", "AG", "e. K.", "KG", "OHG", "Ltd.", "PartG mbB")

CITIES: Sequence[tuple[str, str]] = (
    ("24103", "Kiel"), ("20354", "Hamburg"), ("28195", "Bremen"), ("30159", "Hannover"), ("10115", "Berlin"), ("04109", "Leipzig"),
    ("01067", "Dresden"), ("50667", "Köln"), ("40213", "Düsseldorf"), ("60311", "Frankfurt am Main"), ("70173", "Stuttgart"),
    ("80331", "München"), ("90402", "Nürnberg"), ("97070", "Würzburg"), ("18055", "Rostock"), ("99084", "Erfurt"),
)  # fmt: skip

STREETS: Sequence[str] = (
    "Hauptstraße",
    "Bahnhofstraße",
    "Gartenweg",
    "Industriestraße",
    "Am Markt",
    "Schulstraße",
    "Ringstraße",
)

TROUBLES: Sequence[str] = (
    "Outlook startet nicht mehr", "Drucker zieht kein Papier", "VPN-Verbindung bricht ab", "Passwort vergessen", "Server antwortet langsam",
    "Neues Notebook einrichten", "Telefonanlage ohne Freizeichen", "Datensicherung fehlgeschlagen", "Festplatte fast voll",
    "Bildschirm bleibt schwarz", "Warenwirtschaft meldet Fehler", "Zertifikat läuft ab", "WLAN im Lager fällt aus", "Benutzer anlegen",
    "Laufwerk nicht erreichbar", "Cannot print to PDF", "Mailbox is full", "New starter needs an account", "Laptop does not charge",
    "Teams calls drop after a minute", "Firewall blocks supplier portal", "Backup job failed", "Licence expired", "Slow remote desktop",
    "Phishing mail reported", "Scanner not found", "Update hängt bei 30 %", "Monitor flackert", "Server room too warm", "Zugriff auf Freigabe fehlt",
)  # fmt: skip

PLACES: Sequence[str] = (
    "Buchhaltung", "Empfang", "Lager", "Vertrieb", "Werkstatt", "Geschäftsführung", "Einkauf", "warehouse", "front desk", "finance",
)  # fmt: skip

DONE: Sequence[str] = (
    "Analysiert und Einstellung korrigiert", "Mit dem Anwender geprüft", "Update eingespielt und getestet", "Gerät getauscht",
    "Rücksprache mit dem Hersteller", "Investigated and fixed", "Replaced the cable", "Restored from backup", "Restarted the service",
)  # fmt: skip

MACHINES: Sequence[Mapping[str, str]] = (
    MappingProxyType({"type": "notebook", "name": "Notebook", "manufacturer": "Lenovo", "model": "ThinkPad T14", "os": "Windows 11"}),
    MappingProxyType({"type": "workstation", "name": "Arbeitsplatz", "manufacturer": "Dell", "model": "OptiPlex 7010", "os": "Windows 11"}),
    MappingProxyType({"type": "server", "name": "Server", "manufacturer": "HPE", "model": "ProLiant DL380", "os": "Windows Server 2022"}),
    MappingProxyType({"type": "switch", "name": "Switch", "manufacturer": "Aruba", "model": "2930F", "os": ""}),
    MappingProxyType({"type": "notebook", "name": "Notebook", "manufacturer": "HP", "model": "EliteBook 840", "os": "Windows 11"}),
    MappingProxyType({"type": "printer", "name": "Drucker", "manufacturer": "Kyocera", "model": "ECOSYS M5526", "os": ""}),
    MappingProxyType({"type": "firewall", "name": "Firewall", "manufacturer": "Sophos", "model": "XGS 116", "os": ""}),
    MappingProxyType({"type": "mobile", "name": "Smartphone", "manufacturer": "Apple", "model": "iPhone 15", "os": "iOS"}),
)  # fmt: skip


def plain(words: str) -> str:
    """Words as they stand in a mail address."""
    table = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ë": "e", " ": "-", "&": "und", ".": None})
    return words.lower().translate(table)
