"""What is promised stays: compares the routes and shapes of a new supergraph with those in the lock file.

Something new is always welcome. A route that is gone or means another field, a parameter or a field that is gone or has
another type, something that must be given and had not to be: each breaks a client that does not know, so each is named,
and nothing is written until somebody decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from router.rest.routes import Kind, Lock, Route


class Frozen(Exception):
    """The interface would break; `breaks` says where."""

    def __init__(self, version: int, breaks: tuple[str, ...]) -> None:
        listed = "".join(f"\n  - {one}" for one in breaks)
        advice = (
            "keep the address with @rest(path: …, method: …) at the new field, or the field beside the new one; what must "
            f"change goes into /api/v{version + 1} (router/rest/README.md); before anybody uses it: "
            "python -m codegen --thaw"
        )
        super().__init__(f"/api/v{version} is frozen by contracts/rest/v{version}.lock.json:{listed}\n{advice}")
        self.breaks = breaks


def breaks(before: Lock, now: Lock) -> Iterator[str]:
    """Everything that a client of `before` would notice, in words."""
    following = {route.address: route for route in now.routes}
    moved: dict[object, Route] = {}
    for route in now.routes:
        moved[route.kind, route.coordinate] = route
        if not route.kind.is_bulk and route.kind is not Kind.QUERY:
            moved[route.coordinate] = route
    for route in before.routes:
        there = following.get(route.address)
        if there is None:
            yield _gone(route, moved.get((route.kind, route.coordinate)) or moved.get(route.coordinate))
        elif not _same(route, there):
            yield f"{route.address} means {there.coordinate} ({there.kind}) and not {route.coordinate} ({route.kind}) any more"
        elif there.name != route.name:
            yield f"{route.address} is called {there.name} and not {route.name} any more: clients have it as a method"
    for name, shape in before.shapes.items():
        if name in now.shapes:
            yield from _changed(name, shape, now.shapes[name], taken=name in following or _is_input(name))


def _gone(route: Route, moved: Route | None) -> str:
    if moved is not None:
        return f"{route.address} would move to {moved.address}: {route.coordinate}"
    return f"{route.address} would disappear: {route.coordinate} is not there, or not derivable"


def _same(one: Route, other: Route) -> bool:
    # A list that gets cursors of its own is still the same list.
    return one.kind is other.kind and _plain(one.coordinate) == _plain(other.coordinate)


def _plain(coordinate: str) -> str:
    return coordinate.removesuffix("Connection")


def _is_input(name: str) -> bool:
    return name.endswith(("Input", "Filter", "Range"))


def _changed(name: str, before: Mapping[str, str], now: Mapping[str, str], *, taken: bool) -> Iterator[str]:
    for member, kind in before.items():
        if member not in now:
            yield f"{name}: {member} would disappear"
        elif not _fits(kind, now[member], taken=taken):
            yield f"{name}: {member} would be {now[member]} and not {kind}"
    for member, kind in now.items():
        if taken and member not in before and kind.endswith("!"):
            yield f"{name}: {member} would have to be given"


def _fits(before: str, now: str, *, taken: bool) -> bool:
    if before == now:
        return True
    # What may be left out from now on, and what is always there from now on, surprises nobody.
    return before == f"{now}!" if taken else now == f"{before}!"
