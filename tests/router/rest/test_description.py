"""The OpenAPI document for different readers: what they may not use is gone, and nothing hangs in the air."""

from __future__ import annotations

from typing import Any

import orjson

from router.rest.description import Description, allowed


def operation(name: str, scopes: list[str], schema: str, **links: str) -> dict[str, Any]:
    shown = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    answer = {"content": shown, "links": {link: {"operationId": target} for link, target in links.items()}}
    return {"operationId": name, "x-required-scopes": scopes, "tags": [schema], "responses": {"200": answer}}


DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "tags": [{"name": "Parcel"}, {"name": "Till"}],
    "paths": {
        "/parcels": {
            "parameters": [{"$ref": "#/components/parameters/id"}],
            "get": operation("parcels", ["parcels:read"], "Parcel", till="till", parcels="parcels"),
        },
        "/till": {"get": operation("till", ["till:read"], "Till")},
    },
    "components": {
        "parameters": {"id": {}},
        "schemas": {
            "Parcel": {
                "properties": {
                    "id": {},
                    "price": {"$ref": "#/components/schemas/Price", "x-required-scopes": [["till:read"]]},
                }
            },
            "Price": {"properties": {"coins": {"$ref": "#/components/schemas/Coins"}}},
            "Coins": {},
            "Till": {"properties": {"price": {"$ref": "#/components/schemas/Price"}}},
        },
        "securitySchemes": {"key": {}},
    },
}


def read(held: set[str] | None, *, gone: str = "") -> dict[str, Any]:
    whole = Description(DOCUMENT, lambda _method, path: path != gone)
    told: dict[str, Any] = orjson.loads(whole.written(whole.shape(allowed(held))))
    return told


def test_who_may_do_everything_reads_everything() -> None:
    assert read(None) == DOCUMENT


def test_what_somebody_may_not_use_is_gone_with_all_that_only_it_needs() -> None:
    shown = read({"parcels:read"})

    assert list(shown["paths"]) == ["/parcels"]
    assert list(shown["paths"]["/parcels"]["get"]["responses"]["200"]["links"]) == ["parcels"]
    assert shown["components"]["schemas"] == {"Parcel": {"properties": {"id": {}}}}
    assert shown["components"]["parameters"] == {"id": {}}
    assert shown["components"]["securitySchemes"] == {"key": {}}
    assert shown["tags"] == [{"name": "Parcel"}]


def test_what_no_module_answers_is_not_promised() -> None:
    assert list(read(None, gone="/till")["paths"]) == ["/parcels"]


def test_permissions_that_let_somebody_see_the_same_have_one_shape() -> None:
    whole = Description(DOCUMENT, lambda _method, _path: True)

    assert whole.shape(allowed({"parcels:read"})) == whole.shape(allowed({"parcels:read", "assets:write"}))
    assert whole.shape(allowed({"till:read"})) != whole.shape(allowed({"parcels:read"}))
