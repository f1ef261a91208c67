"""Finding customers, contacts and sites by words: German and English, with umlauts or without, and from a word's beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import REGCONFIG, TSQUERY

from subgraphs.crm.models.customers import Contact, Customer, Site
from subgraphs.kit.work import Work

_MOST_WORDS = 10
_FOLD = str.maketrans("äöüáàâãåéèêëíìîïóòôõúùûñç", "aouaaaaaeeeeiiiioooouuunc", "")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found, and how well it fits."""

    kind: str
    id: UUID
    customer_id: UUID
    title: str
    rank: float


def folded(text: str) -> str:
    """Words as they are compared: Müller, Mueller and Muller are one, and so are Straße and Strasse."""
    plain = text.lower().translate(_FOLD).replace("ß", "ss")
    return plain.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def asked(text: str) -> Any:
    """What must be there for these words: each of them, stemmed in either language, or as the beginning of a word."""
    query: Any = None
    for word in re.findall(r"[\w@.+-]+", text)[:_MOST_WORDS]:
        parts = [part for part in re.split(r"[^\w]+", folded(word)) if part]
        if not parts:
            continue
        one: Any = func.to_tsquery(cast("simple", REGCONFIG), " & ".join(f"{part}:*" for part in parts))
        for language in ("german", "english"):
            one = one.op("||", return_type=TSQUERY())(func.plainto_tsquery(cast(language, REGCONFIG), word))
        query = one if query is None else query.op("&&", return_type=TSQUERY())(one)
    return query


async def search(work: Work, text: str, *, limit: int) -> Sequence[Hit]:
    """What fits best of everything that the caller may see."""
    query = asked(text)
    if query is None:
        return ()
    found: list[Hit] = []
    for model, title in (
        (Customer, Customer.name),
        (Contact, func.concat_ws(" ", Contact.first_name, Contact.last_name)),
        (Site, Site.name),
    ):
        words: Any = literal_column(f"{model.__tablename__}.search")
        rank = func.ts_rank(words, query)
        rows = (
            select(model.id, model.customer_id, title, rank)
            .where(words.op("@@")(query))
            .order_by(rank.desc(), model.id)
        )
        found += [Hit(model.__name__.upper(), *row) for row in await work.session.execute(rows.limit(limit))]
    return sorted(found, key=lambda hit: (-hit.rank, hit.title, str(hit.id)))[:limit]
