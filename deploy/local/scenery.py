"""What there is in the demo: companies with their people, their machines, and what goes wrong with them. All invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Company:
    """A customer; `staff` is what there is of machines: workplaces, and whether it has a server room."""

    number: str
    name: str
    industry: str
    street: str
    postal_code: str
    city: str
    people: tuple[str, ...]
    second_site: str | None = None
    country: str = "DE"


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of asset as it stands at customers: `eol_days` from now on its maker no longer makes it."""

    type: str
    name: str
    manufacturer: str
    model: str
    os: str | None = None
    eol_days: int | None = None
    criticality: str = "MEDIUM"
    state: str = "DEPLOYED"


@dataclass(frozen=True, slots=True)
class Story:
    """A ticket: what somebody said, and how far it has got; `about` is the type of the asset that it is about."""

    title: str
    state: str
    priority: str = "P3"
    type: str = "INCIDENT"
    source: str = "EMAIL"
    about: str | None = None


NORDLICHT = (
    Company("123", "Hansen Logistik GmbH", "Logistics", "Speicherstraße 12", "24103", "Kiel",
            ("Gesa Hansen", "Lars Hansen", "Frauke Ehlers"), "Lager Hafen Ost"),
    Company("101", "Förde Dental MVZ", "Health care", "Große Straße 40", "24937", "Flensburg",
            ("Torben Asmussen", "Dr. Maren Koch")),
    Company("102", "Bäckerei Petersen", "Food", "Markt 3", "25813", "Husum", ("Uwe Petersen", "Antje Petersen"), "Filiale Nordstrand"),
    Company("103", "Kanzlei Brandt & Partner", "Law", "Jungfernstieg 7", "20354", "Hamburg",
            ("Dr. Henrike Brandt", "Claas Behrens")),
    Company("104", "Stadtwerke Ostsee", "Energy", "Werkstraße 1", "18055", "Rostock",
            ("Nele Brodersen", "Holger Wulf", "Ute Zander"), "Umspannwerk Nord"),
    Company("105", "Deichbau Lorenz", "Construction", "Am Siel 22", "26506", "Norden", ("Okko Lorenz", "Tomke Janssen")),
    Company("106", "Ostsee Resort Betriebs GmbH", "Hotels", "Strandallee 91", "23669", "Timmendorfer Strand",
            ("Katrin Voss", "Mats Olsen"), "Haus Dünenblick"),
    Company("107", "Nordfrachter Reederei", "Shipping", "Elbchaussee 250", "22605", "Hamburg", ("Kapitän Jens Dirks", "Swantje Harms")),
    Company("108", "Windpark Dithmarschen", "Energy", "Koogweg 5", "25764", "Wesselburen", ("Hinrich Peters",)),
    Company("109", "Tischlerei Clausen", "Crafts", "Dorfstraße 18", "24402", "Esgrus", ("Bernd Clausen", "Imke Clausen")),
    Company("110", "Gemeinde Süderholm", "Public sector", "Amtsweg 2", "25746", "Heide", ("Marlies Thode", "Rolf Steen")),
    Company("111", "Küstenfunk Medien", "Media", "Kaistraße 60", "24114", "Kiel", ("Finn Mahler", "Jule Arndt")),
    Company("112", "Autohaus Wendt", "Car trade", "Industriering 14", "23560", "Lübeck", ("Stefan Wendt", "Petra Kloss"), "Werkstatt Süd"),
    Company("113", "Pflegedienst Anker", "Health care", "Lindenallee 9", "24837", "Schleswig", ("Renate Hoff", "Dirk Marquardt")),
    Company("114", "Fischkontor Büsum", "Food", "Am Hafen 4", "25761", "Büsum", ("Knut Sievers",)),
)  # fmt: skip

ALPENBLICK = (
    Company("2001", "Bergbahn Karwendel AG", "Tourism", "Talstation 1", "82481", "Mittenwald",
            ("Luis Neuner", "Walburga Achner"), "Bergstation"),
    Company("2002", "Hotel Zugspitze", "Hotels", "Bahnhofstraße 21", "82467", "Garmisch-Partenkirchen",
            ("Zenta Bichler", "Korbinian Maurer"), "Gästehaus Sonnleiten"),
    Company("2003", "Klinikum Isar", "Health care", "Isarring 88", "83646", "Bad Tölz",
            ("Beppo Haas", "Dr. Lena Obermayr", "Traudl Kern"), "Reha Zentrum"),
    Company("2004", "Sägewerk Pfeffer", "Timber", "Mühlweg 6", "83661", "Lenggries", ("Schorsch Pfeffer", "Maria Pfeffer")),
    Company("2005", "Brauerei Kreuzeder", "Food", "Brauhausgasse 2", "83278", "Traunstein", ("Ludwig Kreuzeder", "Agnes Winkler")),
    Company("2006", "Steuerkanzlei Rieger", "Tax advice", "Maximilianstraße 30", "80539", "München", ("Claudia Rieger", "Florian Abt")),
    Company("2007", "Maschinenbau Lutz", "Engineering", "Gewerbepark 11", "87435", "Kempten", ("Erwin Lutz", "Sabine Natterer"), "Werk 2"),
    Company("2008", "Sennerei Hochalm", "Food", "Almweg 3", "87541", "Bad Hindelang", ("Vitus Rapp",)),
    Company("2009", "Skischule Wetterstein", "Tourism", "Kreuzeckweg 15", "82467", "Garmisch-Partenkirchen", ("Hansi Ostler", "Uschi Buchwieser")),
    Company("2010", "Tiroler Holzhaus GmbH", "Construction", "Innrain 50", "6020", "Innsbruck", ("Andreas Plattner", "Eva Hörtnagl"), None, "AT"),
    Company("2011", "Markt Oberfeld", "Public sector", "Rathausplatz 1", "82362", "Weilheim", ("Josef Demmel", "Rosa Sailer")),
    Company("2012", "Apotheke am Tor", "Health care", "Marktstraße 8", "83646", "Bad Tölz", ("Dr. Irmi Fuchs",)),
    Company("2013", "Spedition Brenner", "Logistics", "Zollstraße 4", "6156", "Gries am Brenner", ("Paul Mair", "Greta Nagele"), None, "AT"),
    Company("2014", "Geigenbau Neuner", "Crafts", "Ballenhausgasse 9", "82481", "Mittenwald", ("Matthäus Neuner",)),
    Company("2015", "Therme Chiemgau", "Tourism", "Seepromenade 17", "83209", "Prien", ("Birgit Loferer", "Tom Aicher")),
)  # fmt: skip

COMPANIES: Mapping[str, tuple[Company, ...]] = MappingProxyType({"nordlicht": NORDLICHT, "alpenblick": ALPENBLICK})

OFFICE = (
    Machine("notebook", "Notebook Büro", "Lenovo", "ThinkPad T14 Gen 4", "Windows 11 Pro"),
    Machine("firewall", "Firewall", "Sophos", "XGS 116", eol_days=400, criticality="HIGH"),
)
"""What every customer has."""

MORE = (
    Machine("server", "Server Warenwirtschaft", "HPE", "ProLiant DL360 Gen9", "Windows Server 2016", 55, "CRITICAL"),
    Machine("nas", "Datensicherung", "Synology", "RS1221+", "DSM 7.2", None, "HIGH"),
    Machine("workstation", "Arbeitsplatz Empfang", "Dell", "OptiPlex 7060", "Windows 10 Pro", 20),
    Machine("switch", "Switch Serverraum", "Aruba", "2530-24G", None, 85, "HIGH"),
    Machine("printer", "Drucker Verwaltung", "Kyocera", "ECOSYS M6235cidn", None, 170, "LOW"),
    Machine("access_point", "WLAN Besprechung", "Ubiquiti", "U6 Pro"),
    Machine("virtual_machine", "VM Fernzugang", "VMware", "vSphere", "Debian 12", None, "HIGH"),
    Machine("ups", "USV Serverraum", "APC", "Smart-UPS 1500", None, None, "HIGH", "MAINTENANCE"),
    Machine(
        "server", "Server Archiv", "Fujitsu", "PRIMERGY RX2540 M1", "Windows Server 2012 R2", -30, "LOW", "RETIRED"
    ),
    Machine("notebook", "Notebook Reserve", "HP", "EliteBook 840 G9", "Windows 11 Pro", None, "LOW", "IN_STOCK"),
)
"""Of these, the customers have one each in turn; the first has four."""

STORIES = (
    Story("Warenwirtschaft startet nicht mehr", "IN_PROGRESS", "P1", source="PHONE", about="server"),
    Story("Scanner im Lager verliert das WLAN", "OPEN", "P2"),
    Story("Notebook wird sehr heiß", "NEW", "P3", about="notebook"),
    Story("Neues Konto für die Auszubildende", "WAITING_CUSTOMER", "P4", "SERVICE_REQUEST", "PORTAL"),
    Story("Datensicherung meldet Fehler", "OPEN", "P2", "ALERT", "ALERT", "nas"),
    Story("Drucker zieht kein Papier", "RESOLVED", "P4"),
    Story("VPN bricht alle zehn Minuten ab", "IN_PROGRESS", "P2", source="PHONE", about="firewall"),
    Story("Postfach ist voll", "CLOSED", "P4"),
    Story("Verdächtige Mail mit Rechnung im Anhang", "RESOLVED", "P1", source="PHONE"),
    Story("Windows 10 ablösen", "WAITING_VENDOR", "P3", "CHANGE", "MANUAL"),
    Story("Bildschirm flackert", "NEW", "P4"),
    Story("Telefonanlage nimmt keine Anrufe an", "CLOSED", "P1", source="PHONE"),
    Story("Freigabe für die Buchhaltung", "OPEN", "P3", "SERVICE_REQUEST", "PORTAL"),
    Story("Internet langsam seit heute Morgen", "WAITING_VENDOR", "P2", about="firewall"),
    Story("Zweiter Faktor verloren", "RESOLVED", "P2", "SERVICE_REQUEST", "PHONE"),
    Story("Server meldet defekte Festplatte", "WAITING_VENDOR", "P1", "ALERT", "ALERT"),
    Story("Neuer Arbeitsplatz ab Monatsanfang", "OPEN", "P3", "SERVICE_REQUEST", "PORTAL"),
    Story("Kalender wird nicht abgeglichen", "WAITING_CUSTOMER", "P3"),
    Story("Zertifikat der Webseite läuft ab", "NEW", "P2", "ALERT", "ALERT"),
    Story("Excel stürzt beim Drucken ab", "CANCELLED", "P4"),
    Story("Kartenlesegerät wird nicht erkannt", "IN_PROGRESS", "P2", source="PHONE"),
    Story("Firmware der Firewall aktualisieren", "OPEN", "P3", "CHANGE", "RECURRING", "firewall"),
    Story("Wartung Serverraum im Quartal", "CLOSED", "P4", "TASK", "RECURRING"),
    Story("Mitarbeiter ausgeschieden, Konto sperren", "CLOSED", "P2", "SERVICE_REQUEST"),
    Story("Ursache der nächtlichen Neustarts", "IN_PROGRESS", "P3", "PROBLEM", "MANUAL"),
    Story("Kasse druckt keine Belege", "RESOLVED", "P1", source="PHONE"),
    Story("Dateien vom Netzlaufwerk verschwunden", "WAITING_CUSTOMER", "P2"),
    Story("Lizenz für Bildbearbeitung", "NEW", "P4", "SERVICE_REQUEST", "PORTAL"),
    Story("Update hängt bei 37 Prozent", "OPEN", "P3", about="notebook"),
    Story("Beamer im Besprechungsraum ohne Ton", "CANCELLED", "P4", source="CHAT"),
    Story("Anmeldung dauert fünf Minuten", "IN_PROGRESS", "P3", about="notebook"),
    Story("USV meldet schwache Batterie", "WAITING_VENDOR", "P3", "ALERT", "ALERT"),
    Story("Homeoffice für drei Personen einrichten", "OPEN", "P3", "SERVICE_REQUEST", "PORTAL"),
    Story("Signatur in allen Mails anpassen", "RESOLVED", "P4", "SERVICE_REQUEST"),
    Story("Speicherplatz auf dem Server knapp", "NEW", "P2", "ALERT", "ALERT"),
    Story("Tablet gestohlen, aus der Ferne löschen", "CLOSED", "P1", source="PHONE"),
    Story("Schulung zum neuen Ticketportal", "OPEN", "P4", "TASK", "MANUAL"),
    Story("Fax über die neue Leitung", "CANCELLED", "P4", "CHANGE"),
    Story("Monitor für den Empfang bestellen", "WAITING_CUSTOMER", "P4", "SERVICE_REQUEST", "PORTAL"),
    Story("Gäste-WLAN ohne Anmeldeseite", "NEW", "P3", source="CHAT"),
)
"""The first four are the first customer's; the others go round."""
