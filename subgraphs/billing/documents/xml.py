"""XML as a value: elements that are left out when they have nothing to say, as EN 16931 wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from lxml import etree


@dataclass(frozen=True, slots=True)
class Element:
    """An element with its prefix, `cbc:ID`; either text or children."""

    name: str
    text: str | None
    children: tuple[Element, ...]
    attributes: tuple[tuple[str, str], ...]


def element(name: str, *content: Element | str | None, **attributes: str | None) -> Element | None:
    """An element, or None if there is nothing in it: the standard knows no empty elements (PEPPOL-EN16931-R008)."""
    children = tuple(one for one in content if isinstance(one, Element))
    text = next((_clean(one) for one in content if isinstance(one, str)), None)
    if not children and not text:
        return None
    return Element(name, text, children, tuple((key, value) for key, value in attributes.items() if value is not None))


def written(root: Element | None, namespaces: Mapping[str, str]) -> bytes:
    """The document in UTF-8; `namespaces` by prefix, the one without a prefix under ""."""
    if root is None:
        raise ValueError("a document without anything in it can't be written")
    names = {prefix or None: namespace for prefix, namespace in namespaces.items()}
    tree = etree.Element(_qualified(root.name, namespaces), nsmap=names)
    _fill(tree, root, namespaces)
    document: bytes = etree.tostring(tree, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return document


def _fill(made: etree._Element, one: Element, namespaces: Mapping[str, str]) -> None:
    made.text = one.text
    for name, value in one.attributes:
        made.set(name, value)
    for child in one.children:
        _fill(etree.SubElement(made, _qualified(child.name, namespaces)), child, namespaces)


def _qualified(name: str, namespaces: Mapping[str, str]) -> str:
    prefix, _, local = name.rpartition(":")
    return f"{{{namespaces[prefix]}}}{local}"


def amount(value: Decimal) -> str:
    """An amount, with two decimals (BR-DEC)."""
    return f"{value:.2f}"


def number(value: Decimal) -> str:
    """A quantity, price or rate: as many decimals as it has, and no exponent."""
    plain = f"{value:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def day(value: date | None) -> str | None:
    """A day as UBL writes it."""
    return value.isoformat() if value else None


def _clean(text: str) -> str:
    """Without what XML 1.0 forbids, in whatever way it came into a description."""
    return "".join(one for one in text if one in "\t\n\r" or one >= " ").strip(" ")
