"""The words of our pages, in German and in English, side by side so that neither is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LANGUAGES = ("de", "en")

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "sign_in": ("Anmelden", "Sign in"),
        "sign_in_to": ("Anmelden", "Sign in"),
        "email": ("E-Mail-Adresse", "E-mail address"),
        "password": ("Passwort", "Password"),
        "new_password": ("Neues Passwort", "New password"),
        "old_password": ("Bisheriges Passwort", "Present password"),
        "password_hint": (
            "Mindestens 12 Zeichen. Mehrere Wörter, die nur Sie so aneinanderreihen, sind gut.",
            "At least 12 characters. Several words that only you would put together are good.",
        ),
        "forgot": ("Passwort vergessen?", "Forgot your password?"),
        "or": ("oder", "or"),
        "passkey_sign_in": ("Mit Passkey anmelden", "Sign in with a passkey"),
        "passkey_use": ("Passkey verwenden", "Use a passkey"),
        "passkey_failed": (
            "Das hat nicht geklappt. Versuchen Sie es noch einmal, oder wählen Sie einen anderen Weg.",
            "That did not work. Try again, or choose another way.",
        ),
        "wrong_password": (
            "E-Mail-Adresse und Passwort passen nicht zusammen.",
            "This e-mail address and this password do not belong together.",
        ),
        "too_soon": (
            "Zu viele Versuche. Bitte versuchen Sie es noch einmal. Wartezeit in Sekunden: {seconds}.",
            "Too many attempts. Please try again. Seconds to wait: {seconds}.",
        ),
        "which_tenant": (
            "Mit dieser Adresse sind Sie an mehreren Stellen bekannt. Wo möchten Sie sich anmelden?",
            "You are known in several places under this address. Where would you like to sign in?",
        ),
        "tenant": ("Unternehmen", "Company"),
        "second_factor": ("Zweiter Faktor", "Second factor"),
        "second_factor_text": (
            "Geben Sie den sechsstelligen Code aus Ihrer App ein, oder einen Ihrer Wiederherstellungscodes.",
            "Enter the six digits that your app shows, or one of your recovery codes.",
        ),
        "code": ("Code", "Code"),
        "wrong_code": (
            "Dieser Code ist nicht richtig, oder wurde schon benutzt.",
            "This code is not right, or was used before.",
        ),
        "continue": ("Weiter", "Continue"),
        "cancel": ("Abbrechen", "Cancel"),
        "back": ("Zurück", "Back"),
        "enroll": ("Zweiten Faktor einrichten", "Set up a second factor"),
        "enroll_text": (
            "Ein Passwort allein kann gestohlen werden. Wählen Sie, womit Sie sich außerdem ausweisen.",
            "A password alone can be stolen. Choose what else you show.",
        ),
        "enroll_needed": (
            "Ihr Unternehmen verlangt einen zweiten Faktor, bevor Sie weiterarbeiten.",
            "Your company asks for a second factor before you go on.",
        ),
        "enroll_totp": ("Authenticator-App", "Authenticator app"),
        "enroll_totp_text": (
            "Eine App zeigt alle 30 Sekunden einen neuen Code.",
            "An app shows a new code every 30 seconds.",
        ),
        "enroll_passkey": ("Passkey", "Passkey"),
        "enroll_passkey_text": (
            "Ein Schlüssel in diesem Gerät, in Ihrem Telefon oder auf einem Sicherheitsschlüssel.",
            "A key in this device, in your telephone or on a security key.",
        ),
        "set_up": ("Einrichten", "Set up"),
        "label": ("Name, an dem Sie es wiedererkennen", "A name by which you recognise it"),
        "my_phone": ("Mein Telefon", "My telephone"),
        "my_device": ("Mein Gerät", "My device"),
        "totp_scan": (
            "Nehmen Sie dieses Bild mit Ihrer App auf, oder geben Sie den Schlüssel von Hand ein:",
            "Let your app take a picture of this, or enter the key by hand:",
        ),
        "qr_code": ("QR-Code für die Authenticator-App", "QR code for the authenticator app"),
        "totp_then": ("Geben Sie dann den Code ein, den die App zeigt.", "Then enter the code that the app shows."),
        "recovery": ("Wiederherstellungscodes", "Recovery codes"),
        "recovery_text": (
            (
                "Drucken Sie diese Codes aus, oder bewahren Sie sie sicher auf. Jeder gilt einmal, wenn Ihr Gerät verloren ist. "
                "Sie werden nicht noch einmal gezeigt."
            ),
            (
                "Print these codes, or keep them somewhere safe. Each works once, on the day when your device is lost. "
                "They are not shown again."
            ),
        ),
        "recovery_left": ("{count} Codes sind noch nicht benutzt.", "{count} codes have not been used."),
        "recovery_new": ("Neue Codes erzeugen", "Make new codes"),
        "recovery_kept": ("Ich habe sie aufbewahrt", "I have kept them"),
        "consent": ("Zugriff erlauben", "Allow access"),
        "consent_text": ("{client} möchte in Ihrem Namen zugreifen auf:", "{client} would like to use, in your name:"),
        "consent_as": ("Angemeldet als {name}", "Signed in as {name}"),
        "allow": ("Erlauben", "Allow"),
        "deny": ("Ablehnen", "Refuse"),
        "scope_openid": ("Wer Sie sind", "Who you are"),
        "scope_profile": ("Ihren Namen, Ihre Sprache und Zeitzone", "Your name, language and time zone"),
        "scope_email": ("Ihre E-Mail-Adresse", "Your e-mail address"),
        "scope_offline_access": ("All dies auch, wenn Sie nicht da sind", "All of this also while you are away"),
        "account": ("Mein Konto", "My account"),
        "sessions": ("Wo Sie angemeldet sind", "Where you are signed in"),
        "session_this": ("Dieses Gerät", "This device"),
        "session_since": ("Angemeldet seit {at}", "Signed in since {at}"),
        "session_end": ("Abmelden", "Sign out"),
        "session_end_others": ("Überall sonst abmelden", "Sign out everywhere else"),
        "factors": ("Zweite Faktoren", "Second factors"),
        "factors_none": ("Noch keine.", "None yet."),
        "factor_used": ("Zuletzt benutzt {at}", "Last used {at}"),
        "factor_remove": ("Entfernen", "Remove"),
        "factor_add": ("Hinzufügen", "Add"),
        "password_change": ("Passwort ändern", "Change password"),
        "password_choose": ("Passwort wählen", "Choose a password"),
        "password_changed": ("Ihr Passwort ist geändert.", "Your password is changed."),
        "confirm_again": (
            "Bitte weisen Sie sich noch einmal aus, bevor Sie das ändern.",
            "Please prove who you are once more before you change this.",
        ),
        "sign_out": ("Abmelden", "Sign out"),
        "sign_out_text": ("Möchten Sie sich abmelden?", "Would you like to sign out?"),
        "signed_out": ("Sie sind abgemeldet.", "You are signed out."),
        "forgot_text": (
            "Geben Sie Ihre E-Mail-Adresse ein. Wenn wir sie kennen, schicken wir einen Link.",
            "Enter your e-mail address. If we know it, we send a link.",
        ),
        "forgot_sent": (
            "Wenn wir diese Adresse kennen, ist eine E-Mail unterwegs. Der Link darin gilt 30 Minuten.",
            "If we know this address, a mail is on its way. The link in it holds for 30 minutes.",
        ),
        "send": ("Link schicken", "Send a link"),
        "invitation": ("Willkommen, {name}", "Welcome, {name}"),
        "invitation_text": ("Wählen Sie ein Passwort für {email}.", "Choose a password for {email}."),
        "link_spent": (
            "Dieser Link wurde schon benutzt oder ist abgelaufen.",
            "This link was used before, or has expired.",
        ),
        "device": ("Gerät verbinden", "Connect a device"),
        "device_text": ("Geben Sie den Code ein, den das Gerät zeigt.", "Enter the code that the device shows."),
        "device_warning": (
            "Erlauben Sie das nur, wenn Sie das Gerät vor sich haben und den Vorgang selbst begonnen haben.",
            "Allow this only if the device is before you, and you have begun this yourself.",
        ),
        "device_done": ("Erledigt. Sie können zum Gerät zurückkehren.", "Done. You can go back to the device."),
        "device_denied": ("Das Gerät bekommt keinen Zugriff.", "The device gets no access."),
        "device_unknown": (
            "Diesen Code gibt es nicht, oder er ist abgelaufen.",
            "There is no such code, or it has expired.",
        ),
        "error": ("Das ging nicht", "That did not work"),
        "error_request": (
            "Die Anwendung, von der Sie kommen, hat eine Anfrage gestellt, die wir nicht annehmen:",
            "The application that you come from asked for something that we do not accept:",
        ),
        "error_form": (
            "Dieses Formular ist nicht mehr gültig. Bitte beginnen Sie von vorn.",
            "This form is no longer valid. Please begin again.",
        ),
        "company": ("Mit dem Konto Ihres Unternehmens anmelden", "Sign in with your company's account"),
        "company_text": (
            "Geben Sie Ihre E-Mail-Adresse ein. Wir bringen Sie zur Anmeldung Ihres Unternehmens.",
            "Enter your e-mail address. We take you to your company's own sign-in.",
        ),
        "company_unknown": (
            "Für diese Adresse ist keine Anmeldung eines Unternehmens eingerichtet.",
            "No company's sign-in is set up for this address.",
        ),
        "company_leave": ("Weiter zu {name} …", "On to {name} …"),
        "company_there": ("Ihrem Unternehmen", "your company"),
        "upstream_failed": (
            "Die Anmeldung bei {name} hat nicht geklappt.",
            "Signing in with {name} did not work.",
        ),
        "skip": ("Zum Inhalt", "To the content"),
    }
)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language: `words.sign_in`."""

    language: str

    def __getattr__(self, key: str) -> str:
        """The words for `key`."""
        try:
            return WORDS[key][LANGUAGES.index(self.language)]
        except KeyError:
            raise AttributeError(key) from None

    def said(self, key: str, **facts: object) -> str:
        """The words for `key`, with facts filled in."""
        words: str = getattr(self, key)
        return words.format(**facts)


def spoken(locale: str | None, accepted: str | None) -> Words:
    """The language of a user, or else the one that the browser likes best of ours."""
    for wanted in filter(None, (locale, *_ranked(accepted or ""))):
        if wanted[:2].lower() in LANGUAGES:
            return Words(wanted[:2].lower())
    return Words("en")


def _ranked(accepted: str) -> list[str]:
    """The languages of an Accept-Language header, the best liked first (RFC 9110 section 12.5.4)."""
    found: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        if weight > 0:
            found.append((-weight, name))
    return [name for _, name in sorted(found, key=lambda one: one[0])]
