"""How the page of a quote looks: one document without a script, readable by eyes, keyboards and screen readers, and on paper."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from subgraphs.crm.models.sales import Quote
from subgraphs.crm.rules import quotes as rules
from subgraphs.crm.rules.quotes import QuoteLine
from subgraphs.crm.web.words import WORDS, Language

_STYLE = """
:root{color-scheme:light dark;--line:#8a8f98;--soft:#f3f5f8;--ink:#14181f;--paper:#fff;--accent:#0b5cad;--bad:#a3151f}
@media (prefers-color-scheme:dark){:root{--line:#7d8590;--soft:#1b2129;--ink:#e8ebef;--paper:#11151a;--accent:#7db8f5;--bad:#ff9aa0}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,sans-serif}
main{max-width:56rem;margin:0 auto;padding:1.5rem 1rem 4rem}h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0}h2{font-size:1.2rem;margin:2rem 0 .5rem}
a{color:var(--accent)}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:600;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.5rem .6rem;border-bottom:1px solid var(--line)}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem;margin:.5rem 0}dd{margin:0;font-variant-numeric:tabular-nums}
fieldset{border:1px solid var(--line);border-radius:.4rem;padding:1rem;margin:1rem 0}label{display:block;font-weight:600;margin:.75rem 0 .25rem}
th label{font-weight:400;margin:.25rem 0 0}input[type=text],textarea{width:100%;padding:.6rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:.3rem}
input[type=checkbox]{width:1.2rem;height:1.2rem;vertical-align:-.2rem}button{font:inherit;font-weight:600;padding:.7rem 1.2rem;margin:1rem .75rem 0 0;border-radius:.3rem;border:2px solid var(--accent);background:var(--paper);color:var(--accent);cursor:pointer}
button.yes{background:var(--accent);color:var(--paper)}:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.hint{font-size:.95rem}.bad{color:var(--bad);font-weight:600}.terms{white-space:pre-wrap;background:var(--soft);padding:1rem;border-radius:.4rem}
@media print{form,nav{display:none}}
"""
STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
"""What the browser is told about the style, so that no other one is believed."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody entered and has to look at again."""

    name: str = ""
    reason: str = ""
    options: frozenset[str] | None = None
    problem: str | None = None


def answered(quote: Quote, lines: list[QuoteLine], spoken: Language, *, key: str, by: str, file: str) -> str:
    """The page after an answer: what was answered, by whom, and what was bought."""
    words = WORDS[spoken]
    body = (
        f'<h1 tabindex="-1">{words[key]}</h1><p role="status">{words["quote"]} {escape(quote.number)}:'
        f" {escape(quote.title)}</p><p>{words['by']} {escape(by)}.</p>{_paper(words, file)}"
    )
    return _document(
        words, spoken, words[key], body + (_totals(words, spoken, quote, lines) if key == "accepted" else "")
    )


def nothing(spoken: Language) -> str:
    """The page behind a link that holds no more, or never did."""
    words = WORDS[spoken]
    body = f"<h1>{words['nothing']}</h1><p>{words['nothing_more']}</p>"
    return _document(words, spoken, words["nothing"], body)


def asking(
    quote: Quote, lines: list[QuoteLine], customer: str, spoken: Language, entered: Entered, *, file: str
) -> str:
    """The page that waits for an answer."""
    words = WORDS[spoken]
    title = f"{words['quote']} {quote.number}"
    other = "en" if spoken == "de" else "de"
    parts = (
        f'<nav><a href="?lang={other}" hreflang="{other}" lang="{other}">{words["other"]}</a></nav>',
        f"<h1>{escape(title)}: {escape(quote.title)}</h1>",
        f"<p>{words['revision']} {quote.revision}, {words['for']} {escape(customer)}.<br>",
        f"{words['valid']} <strong>{format_date(quote.valid_until, format='long', locale=spoken)}</strong>.</p>",
        _paper(words, file),
        f'<form method="post" action="?lang={spoken}">',
        _lines(words, spoken, quote, lines, entered),
        _totals(words, spoken, quote, lines),
        f'<h2>{words["terms"]}</h2><div class="terms">{escape(quote.terms_text)}</div>' if quote.terms_text else "",
        _form(words, entered),
        "</form>",
    )
    return _document(words, spoken, title, "".join(parts))


def _paper(words: Mapping[str, str], file: str) -> str:
    return f'<p><a href="{escape(file)}" type="application/pdf">{words["paper"]}</a></p>'


def _lines(words: Mapping[str, str], spoken: Language, quote: Quote, lines: list[QuoteLine], entered: Entered) -> str:
    names = ("position", "description", "quantity", "price", "discount", "sum", "interval")
    numbers = {"quantity", "price", "discount", "sum"}
    head = "".join(f'<th scope="col"{" class=n" if name in numbers else ""}>{words[name]}</th>' for name in names)
    rows = "".join(_row(words, spoken, quote.currency, at, one, entered) for at, one in enumerate(lines, start=1))
    table = f"<table><caption>{words['lines']}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    note = f'<p class="hint">{words["options_note"]}</p>' if any(one.optional for one in lines) else ""
    return f'<div class="wide" role="region" aria-label="{words["lines"]}" tabindex="0">{table}</div>{note}'


def _row(words: Mapping[str, str], spoken: Language, currency: str, at: int, one: QuoteLine, entered: Entered) -> str:
    choice = ""
    if one.optional:
        wanted = one.selected if entered.options is None else one.id in entered.options
        box = f'<input type="checkbox" name="option" value="{escape(one.id)}"{" checked" if wanted else ""}>'
        choice = f"<label>{box} {words['optional']}: {words['choose']}</label>"
    off = f"{_number(one.discount_percent, spoken)} %" if one.discount_percent else "&ndash;"
    cells = (
        f"<td>{at}</td>",
        f'<th scope="row">{escape(one.description)}{choice}</th>',
        f"<td class=n>{_number(one.quantity, spoken)}</td>",
        f"<td class=n>{_money(one.unit_price, currency, spoken)}</td>",
        f"<td class=n>{off}</td>",
        f"<td class=n>{_money(one.net, currency, spoken)}</td>",
        f"<td>{words[one.recurring.value]}</td>",
    )
    return f"<tr>{''.join(cells)}</tr>"


def _totals(words: Mapping[str, str], spoken: Language, quote: Quote, lines: list[QuoteLine]) -> str:
    found = rules.totals(lines)
    sums: Iterable[tuple[str, Decimal]] = (
        (words["once"], found.one_time),
        *((words[interval.value].capitalize(), net) for interval, net in found.recurring.items()),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{_money(net, quote.currency, spoken)}</dd>" for name, net in sums)
    return f"<h2>{words['totals']}</h2><dl>{listed}</dl>"


def _form(words: Mapping[str, str], entered: Entered) -> str:
    problem = f'<p class="bad" role="alert" id="problem">{escape(entered.problem)}</p>' if entered.problem else ""
    invalid = (
        ' aria-invalid="true" aria-describedby="hint problem" autofocus'
        if entered.problem
        else ' aria-describedby="hint"'
    )
    return (
        f"<fieldset><legend><strong>{words['answer']}</strong></legend>{problem}"
        f'<label for="name">{words["name"]}</label>'
        f'<input type="text" id="name" name="name" maxlength="200" autocomplete="name" required value="{escape(entered.name)}"{invalid}>'
        f'<p class="hint" id="hint">{words["name_hint"]}</p>'
        f'<label><input type="checkbox" name="confirm" value="yes" required> {words["confirm"]}</label>'
        f'<button class="yes" type="submit" name="answer" value="accept">{words["accept"]}</button>'
        f'<label for="reason">{words["reason"]}</label>'
        f'<textarea id="reason" name="reason" rows="2" maxlength="1000">{escape(entered.reason)}</textarea>'
        f'<button type="submit" name="answer" value="decline" formnovalidate>{words["decline"]}</button></fieldset>'
    )


def _document(words: Mapping[str, str], spoken: Language, title: str, body: str) -> str:
    del words
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return (
        f'<!DOCTYPE html>\n<html lang="{spoken}"><head>{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>'
        f"<body><main>{body}</main></body></html>"
    )


def _money(amount: Decimal, currency: str, spoken: Language) -> str:
    return escape(format_currency(amount, currency, locale=spoken))


def _number(value: Decimal, spoken: Language) -> str:
    return escape(format_decimal(value.normalize(), locale=spoken))
