"""Refuses what a foreign page could make a browser send without asking us first.

A browser sends "simple" requests (forms, images, `fetch` with a form's content type) for any page and with the user's
cookies; only for others it asks beforehand (see `cors.py`). So a GraphQL request must not be simple: its content type is
none that a form can have, or it has a header that no form can set.

A GET has no content type, so that rule would refuse every plain one, which GraphQL over HTTP wants answered. It can
only read, and only a browser can be misled: without the setting that guards them all, a GET is refused where anything
says that a browser sent it. No page can make its browser hide its name.
"""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers

from router.server.config.csrf import Csrf
from router.server.refusals import Refused

_SIMPLE: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_SENT_BY_BROWSERS: Final = ("origin", "referer", "cookie", "sec-fetch-site")


def check(method: str, headers: Headers, settings: Csrf) -> None:
    """Refuse a request that may have been forged."""
    if settings.unsafe_disabled or _asked_before(headers) or any(name in headers for name in settings.required_headers):
        return
    if method == "GET" and "content-type" not in headers and not settings.strict and not _from_browser(headers):
        return
    raise Refused(
        "CSRF_ERROR",
        "This operation has been blocked as a potential Cross-Site Request Forgery (CSRF). Please either specify a "
        "'content-type' header (with a mime-type that is not one of application/x-www-form-urlencoded, "
        "multipart/form-data, text/plain) or provide one of the following headers: "
        f"{', '.join(settings.required_headers)}",
    )


def _asked_before(headers: Headers) -> bool:
    """Whether a browser would have asked us first: every content type that's not simple makes it."""
    given = headers.get("content-type", "")
    # Several content types in one header: browsers read the last, others the first; whoever sends that gets no benefit.
    names = [part.partition(";")[0].strip().lower() for part in given.split(",")]
    return all("/" in name and name not in _SIMPLE for name in names)


def _from_browser(headers: Headers) -> bool:
    named = headers.get("user-agent", "").startswith("Mozilla/")
    return named or any(name in headers for name in _SENT_BY_BROWSERS)
