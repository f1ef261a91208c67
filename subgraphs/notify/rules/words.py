"""The texts that we bring along, in German and English; a tenant may put its own in their place."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from subgraphs.kit.errors import Invalid

LOCALES: Final = ("de-DE", "en")
_TICKET: Final = "[{{ number }}] {{ title }}"
_SEE_DE: Final = "{% if url %}\n\n{{ url }}{% endif %}"
_SEE_EN: Final = _SEE_DE

Words = tuple[str, str]
"""Subject and body."""

DEFAULTS: Final[Mapping[tuple[str, str], Words]] = MappingProxyType(
    {
        ("ticket.created", "de-DE"): (
            _TICKET,
            "Das Ticket {{ number }} wurde eröffnet: {{ title }}{% if priority %} (Priorität {{ priority }}){% endif %}."
            + _SEE_DE,
        ),
        ("ticket.created", "en"): (
            _TICKET,
            "Ticket {{ number }} was opened: {{ title }}{% if priority %} (priority {{ priority }}){% endif %}."
            + _SEE_EN,
        ),
        ("ticket.assigned", "de-DE"): (
            _TICKET,
            "Das Ticket {{ number }} wurde Ihnen zugewiesen: {{ title }}." + _SEE_DE,
        ),
        ("ticket.assigned", "en"): (_TICKET, "Ticket {{ number }} was assigned to you: {{ title }}." + _SEE_EN),
        ("ticket.replied", "de-DE"): (
            _TICKET,
            "{% if text %}{{ text }}{% else %}Zum Ticket {{ number }} gibt es eine neue Nachricht.{% endif %}"
            + _SEE_DE,
        ),
        ("ticket.replied", "en"): (
            _TICKET,
            "{% if text %}{{ text }}{% else %}There is a new message in ticket {{ number }}.{% endif %}" + _SEE_EN,
        ),
        ("ticket.approval_requested", "de-DE"): (
            _TICKET + ": Bitte um Freigabe",
            "Für die Änderung {{ number }} brauchen wir Ihre Freigabe: {{ title }}."
            "{% if text %}\n\n{{ text }}{% endif %}" + _SEE_DE,
        ),
        ("ticket.approval_requested", "en"): (
            _TICKET + ": your approval",
            "The change {{ number }} needs your approval: {{ title }}.{% if text %}\n\n{{ text }}{% endif %}" + _SEE_EN,
        ),
        ("ticket.approval_decided", "de-DE"): (
            _TICKET + "{% if reason == 'APPROVED' %}: freigegeben{% elif reason == 'REJECTED' %}: abgelehnt{% endif %}",
            "Die Änderung {{ number }} ({{ title }}) "
            "{% if reason == 'APPROVED' %}ist freigegeben.{% elif reason == 'REJECTED' %}wurde abgelehnt."
            "{% elif reason == 'LAPSED' %}wurde neu beschrieben; ihre Freigabe gilt nicht mehr."
            "{% else %}braucht keine Freigabe mehr.{% endif %}{% if text %}\n\n{{ text }}{% endif %}" + _SEE_DE,
        ),
        ("ticket.approval_decided", "en"): (
            _TICKET + "{% if reason == 'APPROVED' %}: approved{% elif reason == 'REJECTED' %}: rejected{% endif %}",
            "The change {{ number }} ({{ title }}) "
            "{% if reason == 'APPROVED' %}is approved.{% elif reason == 'REJECTED' %}was rejected."
            "{% elif reason == 'LAPSED' %}was described anew; its approval holds no more."
            "{% else %}needs no approval any more.{% endif %}{% if text %}\n\n{{ text }}{% endif %}" + _SEE_EN,
        ),
        ("ticket.resolved", "de-DE"): (
            _TICKET,
            "Das Ticket {{ number }} ist gelöst: {{ title }}. Wenn etwas fehlt, antworten Sie auf diese Nachricht."
            + _SEE_DE,
        ),
        ("ticket.resolved", "en"): (
            _TICKET,
            "Ticket {{ number }} is resolved: {{ title }}. If anything is missing, answer this message." + _SEE_EN,
        ),
        ("sla.warning", "de-DE"): (
            _TICKET + ": {{ percent }} % der Zeit verbraucht",
            "{{ metric }}: {{ percent }} % der Zeit sind verbraucht{% if due %}, fällig {{ due }}{% endif %}."
            + _SEE_DE,
        ),
        ("sla.warning", "en"): (
            _TICKET + ": {{ percent }} % of the time is used up",
            "{{ metric }}: {{ percent }} % of the time is used up{% if due %}, due {{ due }}{% endif %}." + _SEE_EN,
        ),
        ("sla.breached", "de-DE"): (
            _TICKET + ": Frist überschritten",
            "{{ metric }}: Die Frist wurde überschritten{% if due %} ({{ due }}){% endif %}." + _SEE_DE,
        ),
        ("sla.breached", "en"): (
            _TICKET + ": deadline missed",
            "{{ metric }}: the deadline was missed{% if due %} ({{ due }}){% endif %}." + _SEE_EN,
        ),
        ("invoice.generated", "de-DE"): (
            "Rechnungsentwurf{% if customer %} für {{ customer }}{% endif %}",
            "Ein Rechnungsentwurf über {{ amount }} wartet auf die Freigabe." + _SEE_DE,
        ),
        ("invoice.generated", "en"): (
            "Draft invoice{% if customer %} for {{ customer }}{% endif %}",
            "A draft invoice of {{ amount }} waits to be approved." + _SEE_EN,
        ),
        ("invoice.issued", "de-DE"): (
            "Rechnung {{ number }} gestellt",
            "Die Rechnung {{ number }}{% if customer %} an {{ customer }}{% endif %} über {{ amount }} wurde gestellt."
            + _SEE_DE,
        ),
        ("invoice.issued", "en"): (
            "Invoice {{ number }} issued",
            "Invoice {{ number }}{% if customer %} to {{ customer }}{% endif %} of {{ amount }} was issued." + _SEE_EN,
        ),
        ("asset.eol", "de-DE"): (
            "{{ title }}: Lebensende am {{ date }}",
            "{{ title }}{% if customer %} ({{ customer }}){% endif %} erreicht am {{ date }} das Ende der Lebensdauer."
            + _SEE_DE,
        ),
        ("asset.eol", "en"): (
            "{{ title }}: end of life on {{ date }}",
            "{{ title }}{% if customer %} ({{ customer }}){% endif %} reaches the end of its life on {{ date }}."
            + _SEE_EN,
        ),
        ("notification.bounced", "de-DE"): (
            "{% if number %}[{{ number }}] {% endif %}Eine E-Mail kam zurück",
            "Eine E-Mail{% if number %} zum Ticket {{ number }}{% endif %} konnte nicht zugestellt werden: {{ reason }}"
            + _SEE_DE,
        ),
        ("notification.bounced", "en"): (
            "{% if number %}[{{ number }}] {% endif %}A mail came back",
            "A mail{% if number %} about ticket {{ number }}{% endif %} could not be delivered: {{ reason }}" + _SEE_EN,
        ),
        ("webhook.disabled", "de-DE"): (
            "Webhook {{ title }} wurde abgeschaltet",
            "Der Webhook {{ title }} wurde abgeschaltet ({{ reason }}): der Empfänger antwortet nicht mehr." + _SEE_DE,
        ),
        ("webhook.disabled", "en"): (
            "Webhook {{ title }} was switched off",
            "The webhook {{ title }} was switched off ({{ reason }}): its receiver does not answer any more." + _SEE_EN,
        ),
        ("user.invited", "de-DE"): ("Willkommen", "Guten Tag {{ recipient }}, willkommen auf der Plattform."),
        ("user.invited", "en"): ("Welcome", "Hello {{ recipient }}, welcome to the platform."),
        ("api_key.created", "de-DE"): (
            "Neuer API-Schlüssel {{ title }}",
            "Für Ihr Konto wurde der API-Schlüssel {{ title }} angelegt. Waren Sie das nicht, wenden Sie sich an Ihre Administration.",
        ),
        ("api_key.created", "en"): (
            "New API key {{ title }}",
            "The API key {{ title }} was made for your account. If you do not know why, ask your administrator.",
        ),
        ("mfa.reset", "de-DE"): (
            "Ihre zweiten Faktoren wurden entfernt",
            "Guten Tag {{ recipient }}, alle zweiten Faktoren Ihres Kontos wurden entfernt. Sie richten bei der nächsten Anmeldung neue ein.",
        ),
        ("mfa.reset", "en"): (
            "Your second factors were removed",
            "Hello {{ recipient }}, all second factors of your account were removed. You enrol new ones when you sign in next.",
        ),
        ("auth.login_failed_threshold", "de-DE"): (
            "Viele fehlgeschlagene Anmeldungen",
            "Guten Tag {{ recipient }}, jemand versucht immer wieder vergeblich, sich mit Ihrem Konto anzumelden.",
        ),
        ("auth.login_failed_threshold", "en"): (
            "Many failed sign-ins",
            "Hello {{ recipient }}, somebody fails to sign in to your account again and again.",
        ),
        ("impersonation.started", "de-DE"): (
            "Jemand handelt in Ihrem Namen",
            "Guten Tag {{ recipient }}, jemand aus dem Support handelt in Ihrem Namen. Grund: {{ reason }}",
        ),
        ("impersonation.started", "en"): (
            "Somebody acts in your name",
            "Hello {{ recipient }}, somebody from support acts in your name. Reason: {{ reason }}",
        ),
        ("page.triggered", "de-DE"): (
            "Bereitschaft: {{ title }}",
            "Guten Tag {{ recipient }}, Sie werden gerufen: {{ title }}. Bitte übernehmen Sie, sonst wird weitergerufen."
            + _SEE_DE,
        ),
        ("page.triggered", "en"): (
            "On call: {{ title }}",
            "Hello {{ recipient }}, you are called: {{ title }}. Please take over, or others are called." + _SEE_EN,
        ),
        ("notify.test", "de-DE"): ("Testnachricht", "Größe, Übermut, Straße: Dieser Kanal funktioniert."),
        ("notify.test", "en"): ("Test message", "This channel works."),
    }
)

_FEET: Final[Mapping[str, str]] = MappingProxyType(
    {
        "de-DE": "Sie erhalten diese Nachricht, weil Sie Benachrichtigungen eingeschaltet haben. Abbestellen: {link}",
        "en": "You receive this because notifications are switched on for you. Unsubscribe: {link}",
    }
)
_TOGETHER: Final[Mapping[str, str]] = MappingProxyType({"de-DE": "{count} Neuigkeiten", "en": "{count} news"})
_OPEN: Final[Mapping[str, str]] = MappingProxyType({"de-DE": "Öffnen", "en": "Open"})


def locale(name: str | None) -> str:
    """Which of our languages somebody reads."""
    return "de-DE" if name is None or name.lower().startswith("de") else "en"


def exact_locale(name: str) -> str:
    """One of our languages; raises `Invalid`."""
    if name not in LOCALES:
        raise Invalid(f"There are texts in {' and '.join(LOCALES)}, not in {name!r}.", field="locale")
    return name


def foot(language: str, link: str) -> str:
    """What stands below a mail that one may refuse."""
    return _FEET[language].format(link=link)


def together(language: str, count: int) -> str:
    """What a message is called that tells of several things."""
    return _TOGETHER[language].format(count=count)


def open_it(language: str) -> str:
    """What stands on the button of a card."""
    return _OPEN[language]
