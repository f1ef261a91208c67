"""The reference of REST: a page for each resource, from the OpenAPI document."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from codegen.docs.words import code, contents, fenced, heading, plain, table

_METHODS = ("get", "post", "put", "patch", "delete")
_MOST_OF_AN_EXAMPLE = 4000

Json = Mapping[str, Any]


def pages(document: Json) -> Iterator[tuple[str, str]]:
    """Give each page's path and text."""
    by_tag: dict[str, list[str]] = defaultdict(list)
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                by_tag[item[method]["tags"][0]].append(_operation(document, method, path, item))
    described = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    for tag, operations in by_tag.items():
        yield f"rest/{tag}", "\n".join([f"# {tag}\n", plain(described.get(tag)) + "\n", *operations])
    info = document["info"]
    said = f"{plain(info.get('summary') or info['title'])}. How to use it: {{doc}}`/guides/rest`."
    yield "rest/index", contents("REST", said, sorted(by_tag))


def _operation(document: Json, method: str, path: str, item: Json) -> str:
    one = item[method]
    parts = [
        heading(
            2, f"{method.upper()} {path.replace('{', '&#123;').replace('}', '&#125;')}", f"rest-{one['operationId']}"
        ),
        plain(one.get("description") or one["summary"]) + "\n",
    ]
    given = [_found(document, each) for each in (*item.get("parameters", ()), *one.get("parameters", ()))]
    rows = (
        (code(each["name"]), each["in"], _type(each.get("schema", {})), plain(each.get("description")))
        for each in given
    )
    parts.append(table(("Parameter", "In", "Type", "What it says"), rows))
    body = one.get("requestBody", {}).get("content", {})
    for media, content in body.items():
        parts += [f"Body, {code(media)}: {_type(content.get('schema', {}))}\n", _example(content)]
    answers = ((status, _found(document, answer)) for status, answer in one["responses"].items())
    told = ((status, plain(answer.get("description")), _content(answer)) for status, answer in answers)
    parts.append(table(("Status", "When", "What comes"), told))
    return "\n".join(part for part in parts if part.strip())


def _content(answer: Json) -> str:
    return " ".join(_type(one.get("schema", {})) for one in answer.get("content", {}).values())


def _found(document: Json, one: Json) -> Json:
    if "$ref" not in one:
        return one
    _, *steps = one["$ref"].split("/")
    found: Any = document
    for step in steps:
        found = found[step]
    return dict(found)


def _type(schema: Json) -> str:
    if "$ref" in schema:
        return code(schema["$ref"].rpartition("/")[2])
    if schema.get("type") == "array":
        return f"{_type(schema.get('items', {}))} …"
    kinds = schema.get("type") or "any"
    return code(" or ".join(kinds) if isinstance(kinds, list) else str(schema.get("format") or kinds))


def _example(content: Json) -> str:
    example = content.get("example")
    if example is None:
        example = next((one.get("value") for one in content.get("examples", {}).values()), None)
    if example is None:
        return ""
    return fenced("json", json.dumps(example, indent=2, ensure_ascii=False)[:_MOST_OF_AN_EXAMPLE])
