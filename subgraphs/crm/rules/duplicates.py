"""What is true about duplicates, with no I/O: how sure it is that two companies, or two people, are one.

Comparing everything with everything takes a million comparisons for 1,500 companies. Records that are one agree in *something*, so
each gives some keys (VAT id, web domain, first word of its name, …), and only those that share a key are compared ("blocking"):

    keys ──► blocks ──► pairs ──► evidence ──► score in hundredths
             {DE811…: [A, D]}     same VAT id 100 · same domain 60 · names alike 0…70 · same town 15 · same phone 60

The evidence adds up, to 100 at most. From 70 on it is worth a look; a name alone is, only when it is nearly the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

THRESHOLD = 70
_LARGEST_BLOCK = 50
"""A key that more than so many share says nothing: a mail provider, or the word "Praxis"."""

_FOLD = str.maketrans("äöüáàâãåéèêëíìîïóòôõúùûñç", "aouaaaaaeeeeiiiioooouuunc", "")
_FORMS = frozenset(
    [
        "gmbh",
        "ag",
        "kg",
        "ohg",
        "gbr",
        "ug",
        "eg",
        "ev",
        "ek",
        "kgaa",
        "se",
        "mbh",
        "co",
        "cokg",
        "ggmbh",
        "gug",
        "partg",
        "partgmbb",
        "mbb",
        "haftungsbeschraenkt",
        "haftungsbeschrankt",
        "gmbhco",
        "ltd",
        "limited",
        "inc",
        "llc",
        "plc",
        "sarl",
        "sas",
        "sa",
        "bv",
        "nv",
        "spa",
        "srl",
        "und",
        "and",
        "holding",
        "gruppe",
        "group",
    ]
)
_FREE_MAIL = frozenset(
    [
        "gmail.com",
        "googlemail.com",
        "gmx.de",
        "gmx.net",
        "web.de",
        "t-online.de",
        "outlook.com",
        "outlook.de",
        "hotmail.com",
        "hotmail.de",
        "live.com",
        "yahoo.com",
        "yahoo.de",
        "icloud.com",
        "me.com",
        "freenet.de",
        "posteo.de",
        "mailbox.org",
        "aol.com",
        "proton.me",
    ]
)


@dataclass(frozen=True, slots=True)
class Company:
    """What is compared of a company."""

    id: UUID
    name: str
    legal_name: str | None = None
    vat_id: str | None = None
    website: str | None = None
    invoice_email: str | None = None
    postal_code: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What is compared of a person."""

    id: UUID
    customer_id: UUID
    first_name: str | None
    last_name: str
    email: str | None = None
    phone: str | None = None
    mobile: str | None = None


R = TypeVar("R", Company, Person)


@dataclass(frozen=True, slots=True)
class Pair(Generic[R]):
    """Two that may be one, how sure that is, and why."""

    one: R
    other: R
    score: int
    reasons: tuple[str, ...]


def companies(found: Iterable[Company]) -> list[Pair[Company]]:
    """Companies that may be one, the surest first."""
    return _pairs(list(found), _company_keys, _company_evidence)


def people(found: Iterable[Person]) -> list[Pair[Person]]:
    """People that may be one, the surest first."""
    return _pairs(list(found), _person_keys, _person_evidence)


def _pairs(
    found: Sequence[R], keys: Callable[[R], Iterator[str]], evidence: Callable[[R, R], Iterator[tuple[int, str]]]
) -> list[Pair[R]]:
    blocks: dict[str, list[int]] = defaultdict(list)
    for at, one in enumerate(found):
        for key in set(keys(one)):
            blocks[key].append(at)
    candidates = {pair for block in blocks.values() if len(block) <= _LARGEST_BLOCK for pair in combinations(block, 2)}
    pairs = (_weighed(found[a], found[b], evidence) for a, b in candidates)
    likely = [pair for pair in pairs if pair.score >= THRESHOLD]
    return sorted(likely, key=lambda pair: (-pair.score, str(pair.one.id), str(pair.other.id)))


def _weighed(one: R, other: R, evidence: Callable[[R, R], Iterator[tuple[int, str]]]) -> Pair[R]:
    first, second = sorted((one, other), key=lambda each: str(each.id))
    found = list(evidence(first, second))
    return Pair(first, second, min(sum(points for points, _ in found), 100), tuple(reason for _, reason in found))


def _company_keys(one: Company) -> Iterator[str]:
    if one.vat_id:
        yield f"vat:{one.vat_id}"
    yield from (f"domain:{domain}" for domain in _domains(one))
    for name in (one.name, one.legal_name):
        if words := plain_name(name).split():
            yield f"word:{words[0]}"
            yield f"letters:{''.join(words)[:6]}"


def _company_evidence(one: Company, other: Company) -> Iterator[tuple[int, str]]:
    if one.vat_id and other.vat_id:
        yield (100, "VAT_ID") if one.vat_id == other.vat_id else (-40, "OTHER_VAT_ID")
    if _domains(one) & _domains(other):
        yield 60, "DOMAIN"
    alike = max(
        _alike(plain_name(a), plain_name(b)) for a in (one.name, one.legal_name) for b in (other.name, other.legal_name)
    )
    if alike >= 0.8:
        yield round(70 * alike), "NAME"
    if one.postal_code and one.postal_code == other.postal_code:
        yield 15, "POSTAL_CODE"


def _domains(one: Company) -> set[str]:
    host = (urlsplit(one.website).hostname or "") if one.website else ""
    mail = (one.invoice_email or "").rpartition("@")[2].lower()
    found = {host.removeprefix("www."), mail} - {""}
    return found - _FREE_MAIL


def _person_keys(one: Person) -> Iterator[str]:
    if one.email:
        yield f"mail:{one.email.lower()}"
    yield from (f"phone:{number}" for number in _numbers(one))
    yield f"name:{one.customer_id}:{plain(one.last_name)}"


def _person_evidence(one: Person, other: Person) -> Iterator[tuple[int, str]]:
    if one.email and other.email and one.email.lower() == other.email.lower():
        yield 80, "EMAIL"
    if _numbers(one) & _numbers(other):
        yield 30, "PHONE"
    if plain(one.last_name) == plain(other.last_name):
        first, second = plain(one.first_name), plain(other.first_name)
        if first and second and _given(first, second):
            yield (70 if one.customer_id == other.customer_id else 40), "NAME"
        elif not (first and second):
            yield 40, "LAST_NAME"
    if one.customer_id == other.customer_id:
        yield 10, "CUSTOMER"


def _given(first: str, second: str) -> bool:
    """Whether two first names may be one: the same, one the beginning of the other (`K`, `Karl`), or nearly the same."""
    return first.startswith(second) or second.startswith(first) or _alike(first, second) >= 0.85


def _numbers(one: Person) -> set[str]:
    return {digits for number in (one.phone, one.mobile) if len(digits := phone(number)) >= 6}


def phone(value: str | None) -> str:
    """A telephone number as it is compared: without blanks, and the same with the country's code of Germany or without.

    Those of other countries keep theirs: `+43 1 234` is Vienna, `0431 234` is Kiel.
    """
    digits = re.sub(r"\(0\)|[^0-9+]", "", value or "")
    abroad = re.sub(r"^00", "+", digits)
    national = re.sub(r"^\+49", "0", abroad)
    return national if national.startswith("+") else national.replace("+", "").lstrip("0")


def plain(text: str | None) -> str:
    """Words as they are compared: Müller, Mueller and Muller are one, and so are Straße and Strasse."""
    folded = (text or "").lower().translate(_FOLD).replace("ß", "ss")
    folded = folded.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    return " ".join(re.findall(r"\w+", folded))


def plain_name(text: str | None) -> str:
    """A company's name without its legal form."""
    words = plain(re.sub(r"(?<=\b\w)\.\s*(?=\w\b)", "", text or "")).split()
    return " ".join(word for word in words if word not in _FORMS) or " ".join(words)


def _alike(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    letters = SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", ""), autojunk=False).ratio()
    words = SequenceMatcher(None, sorted(one.split()), sorted(other.split()), autojunk=False).ratio()
    return max(letters, words)
