"""A browser without a screen: keeps cookies, reads forms, sends them, and follows redirects as far as our own pages go."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2

from tests.subgraphs.house import ISSUER


@dataclass
class Browser:
    """Somebody at a browser."""

    client: httpx2.AsyncClient
    address: str = "192.0.2.1"
    cookies: dict[str, str] = field(default_factory=dict)
    origin: str = ISSUER
    page: httpx2.Response = field(init=False)

    async def open(self, where: str) -> httpx2.Response:
        """Follow a link."""
        return await self._follow("GET", where, None)

    async def send(self, action: str | None = None, **fields: str) -> httpx2.Response:
        """Fill in a form of the page, the first one or the one with this action, and send it."""
        form = self.form(action)
        return await self._follow("POST", form.action, {**form.fields, **fields})

    def form(self, action: str | None = None) -> Form:
        """A form of the page."""
        for attributes, inside in re.findall(r"<form ([^>]*)>(.*?)</form>", self.page.text, re.DOTALL):
            found = _attribute(attributes, "action")
            if action is None or found == action:
                return Form(found, _fields(inside), _attribute(attributes, "data-options"))
        raise AssertionError(f"there is no form {action}: {self.page.status_code} {self.page.text}")

    async def _follow(self, method: str, where: str, data: dict[str, str] | None) -> httpx2.Response:
        url = urljoin(f"{self.origin}/", where)
        for _ in range(10):
            headers = {"x-forwarded-for": self.address, "accept-language": "en", "user-agent": "Test"}
            if self.cookies:
                headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            if method == "POST":
                headers |= {"origin": self.origin, "sec-fetch-site": "same-origin"}
            self.page = await self.client.request(method, url, data=data, headers=headers)
            self.client.cookies.clear()  # the client keeps cookies too, and whoever has no browser shares it
            self._keep(self.page)
            location = self.page.headers.get("location")
            if location is None or not urljoin(url, location).startswith(f"{self.origin}/"):
                return self.page
            method, url, data = "GET", urljoin(url, location), None
        raise AssertionError("the pages send a browser around in circles")

    def _keep(self, response: httpx2.Response) -> None:
        for line in response.headers.get_list("set-cookie"):
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if "max-age=0" in attributes.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value

    @property
    def title(self) -> str:
        """The page's heading."""
        found = re.search(r"<h1>(.*?)</h1>", self.page.text)
        return html.unescape(found[1]) if found else ""

    @property
    def sent_to(self) -> dict[str, str]:
        """The parameters with which an application gets the browser back."""
        location = self.page.headers["location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@dataclass
class Form:
    """A form: where it goes, what is filled in, and what a passkey is asked for."""

    action: str
    fields: dict[str, str]
    options: str


def _attribute(text: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', text)
    return html.unescape(found[1]) if found else ""


def _fields(inside: str) -> dict[str, str]:
    inputs = re.findall(r"<input ([^>]*)>", inside)
    return {_attribute(one, "name"): _attribute(one, "value") for one in inputs if 'type="radio"' not in one}
