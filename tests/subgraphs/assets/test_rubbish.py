"""Rubbish at every place of every command of assets: a refusal, and never a fault."""

from __future__ import annotations

from tests.subgraphs import rubbish
from tests.subgraphs.assets.asking import NORD, SITE, created, deployed


async def test_rubbish_is_refused_wherever_it_stands(store):
    asset, other, stock = await deployed(store), await deployed(store), await created(store, customerId=str(NORD))
    seats = {"customerId": str(NORD), "product": "Office", "metric": "USER", "purchased": 5}
    text = "mutation($i: CreateLicenseInput!) { createLicense(input: $i) { license { id } errors { message } } }"
    license_ = (await store.data(text, i=seats))["createLicense"]["license"]["id"]
    known = {
        "customerId": str(NORD), "siteId": SITE, "id": asset["id"], "assetId": asset["id"], "type": "server",
        "fromId": asset["id"], "toId": other["id"], "intoId": other["id"], "licenseId": license_, "purchased": 5,
        "deployAsset.id": stock["id"], "updateLicense.id": license_, "principal": "a@b.example",
    }  # fmt: skip

    assert await rubbish.faults(store, "assets", known) == []
