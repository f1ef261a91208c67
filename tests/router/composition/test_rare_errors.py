"""The errors that hardly any schema set gets, word for word as Apollo's composer says them."""

from __future__ import annotations

import pytest

from router.composition.compose import Refused, SubgraphSource, supergraph

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@inaccessible", "@composeDirective"])\n'
COMPOSED = LINK + 'extend schema @link(url: "https://x.dev/d/v1.0", import: ["@d"]) @composeDirective(name: "@d")\n'


# UNSUPPORTED_FEATURE has no row: Apollo's composer declares it and never gives it.
@pytest.mark.parametrize(
    ("code", "message", "subgraphs"),
    [
        pytest.param(
            "TYPE_WITH_ONLY_UNUSED_EXTERNAL",
            "[a] Type T contains only external fields and all those fields are all unused (they do not appear in any "
            "@key, @provides or @requires).",
            ("type Query { t: T } type T { x: Int @external }", "type T { x: Int }"),
            id="a federation 1 type of nothing but unused external fields, and a field that returns it",
        ),
        pytest.param(
            "DISALLOWED_INACCESSIBLE",
            'Core feature directive "@d" cannot use @inaccessible.',
            (COMPOSED + "directive @d(x: Int @inaccessible) on OBJECT type Query @d { x: Int }",),
            id="a hidden argument of a composed directive",
        ),
        pytest.param(
            "DISALLOWED_INACCESSIBLE",
            'Core feature type "inaccessible__T" cannot use @inaccessible.',
            (LINK + "scalar inaccessible__T @inaccessible type Query { x: Int }",),
            id="a hidden type of a feature",
        ),
        pytest.param(
            "UNKNOWN_LINK_VERSION",
            "[a] Schema uses unknown version v2.0 of the link spec",
            ('extend schema @link(url: "https://specs.apollo.dev/link/v2.0") type Query { x: Int }',),
            id="a version of link that nobody knows",
        ),
    ],
)
def test_a_set_is_refused_with_this_error_alone(code: str, message: str, subgraphs: tuple[str, ...]) -> None:
    result = supergraph(
        [SubgraphSource(name, f"http://{name}", sdl) for name, sdl in zip("ab", subgraphs, strict=False)]
    )

    assert isinstance(result, Refused), result
    assert [(error.code, error.message) for error in result.errors] == [(code, message)]
