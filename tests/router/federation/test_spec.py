"""Links: urls taken apart, imports under the names that the schema uses."""

from __future__ import annotations

import pytest

from router.federation.elements import Applied
from router.federation.spec import FEDERATION, LinkError, Version, feature_url, read_link


def test_a_url_is_identity_name_and_version() -> None:
    url = feature_url("https://specs.apollo.dev/federation/v2.3")

    assert (url.identity, url.name, url.version, str(url)) == (
        FEDERATION,
        "federation",
        Version(2, 3),
        f"{FEDERATION}/v2.3",
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://specs.apollo.dev/federation",
        "federation/v2.0",
        "https://specs.apollo.dev",
        "https://specs.apollo.dev/v1.0",
    ],
)
def test_a_url_without_name_or_version_is_refused(text: str) -> None:
    with pytest.raises(LinkError) as refused:
        feature_url(text)

    assert refused.value.code == "INVALID_LINK_IDENTIFIER"


def test_names_follow_imports_and_aliases() -> None:
    link = read_link(
        Applied(
            "link",
            {
                "url": f"{FEDERATION}/v2.3",
                "as": "fed",
                "import": ("@key", {"name": "@tag", "as": "@label"}, "FieldSet"),
            },
        )
    )

    assert [link.directive(name) for name in ("key", "tag", "shareable")] == ["key", "label", "fed__shareable"]
    assert [link.type(name) for name in ("FieldSet", "Scope")] == ["FieldSet", "fed__Scope"]
    assert link.element_of_directive("label") == "tag"
    assert link.element_of_directive("fed__shareable") == "shareable"
    assert link.element_of_directive("other") is None


def test_a_directive_is_not_renamed_to_a_type() -> None:
    with pytest.raises(LinkError) as refused:
        read_link(Applied("link", {"url": f"{FEDERATION}/v2.3", "import": ({"name": "@key", "as": "kkk"},)}))

    assert refused.value.code == "INVALID_LINK_DIRECTIVE_USAGE"


def test_versions_compare_as_numbers() -> None:
    assert Version(2, 9) < Version(2, 10)
    assert Version(2, 10).satisfies(Version(2, 9))
    assert not Version(0, 2).satisfies(Version(0, 1))
