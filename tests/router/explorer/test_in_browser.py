"""The developers' page as a developer meets it, in a real browser against a real server."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import strawberry
import uvicorn
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.tools import create_type

from deploy.local.serving import take
from router.explorer.page import routes
from tests.router.explorer import browser

if reason := browser.missing():
    pytest.skip(reason, allow_module_level=True)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

TOKEN = "the-owners-token"
RENEWED: list[dict[str, str]] = []
"""What was sent for a new token."""
SERVED: dict[str, Any] = {"schema": "first", "status": 200}
"""What the server says of the schema."""
NORDWIND = {
    "name": "Nordwind Logistik GmbH",
    "tickets": [{"id": "1", "title": "Printer on fire", "priority": "HIGH"}],
    "assets": [{"name": "NB-0042", "type": "notebook"}],
}


@strawberry.type
class Ticket:
    """Something to do for a customer."""

    id: strawberry.ID
    title: str
    priority: str


@strawberry.type
class Asset:
    """A thing that is looked after."""

    name: str
    type: str


@strawberry.type
class Customer:
    """A company that the provider looks after."""

    name: str
    assets: list[Asset]

    @strawberry.field
    def tickets(self, status: str) -> list[Ticket]:
        """Tickets in that status."""
        return [Ticket(id=strawberry.ID("1"), title="Printer on fire", priority="HIGH")] if status == "open" else []


def _named(name: str) -> Callable[[], str]:
    def done() -> str:
        return name

    done.__name__ = name
    return done


@strawberry.type
class Query:
    """As much of the platform as the seed query needs."""

    @strawberry.field
    def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002 - the seed query calls it so
        """One customer by number."""
        if id != "123":
            return None
        return Customer(name="Nordwind Logistik GmbH", assets=[Asset(name="NB-0042", type="notebook")])


# As many as a large platform has. The builder must show some of them, and stay as small as with ten.
Mutation = create_type("Mutation", [strawberry.field(_named(f"change{number}")) for number in range(1000)])


@strawberry.type
class Subscription:
    """Events, one after the other."""

    @strawberry.subscription
    async def tickets_opened(self) -> AsyncIterator[str]:
        """Titles of tickets."""
        for title in ("Printer on fire", "VPN is down", "Mail is slow", "Door is stuck"):
            yield title


class OnlyWithToken:
    """Like the platform: without a good token there is not even a schema."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        request = Request(scope, receive)
        if request.headers.get("authorization") == f"Bearer {TOKEN}":
            body = await request.body()
            answer = _deferred if b"@defer" in body else self._inner
            await answer(scope, _again(body, receive), send)
        else:
            refusal = {"errors": [{"message": "Sign in first.", "extensions": {"code": "UNAUTHENTICATED"}}]}
            await JSONResponse(refusal, 401)(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    """The body once more, then whatever the client says."""
    told = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def received() -> Message:
        return next(told, None) or await receive()

    return received


async def _parts() -> AsyncIterator[bytes]:
    """What a router answers while a part is not there yet."""
    yield b'\r\n---\r\ncontent-type: application/json\r\n\r\n{"data":{"customer":{"name":"Nordwind"}},"hasNext":true}\r\n---'
    later = b'"incremental":[{"path":["customer"],"data":{"assets":[]}}],"extensions":{"trace":{"fetches":[]}}'
    yield b"\r\ncontent-type: application/json\r\n\r\n{" + later + b',"hasNext":false}\r\n-----\r\n'


async def _deferred(scope: Scope, receive: Receive, send: Send) -> None:
    answer = StreamingResponse(_parts(), media_type='multipart/mixed;boundary="-";deferSpec=20220824')
    await answer(scope, receive, send)


async def _renew(request: Request) -> JSONResponse:
    RENEWED.append(dict(parse_qsl((await request.body()).decode())))
    return JSONResponse({"access_token": TOKEN, "refresh_token": "the-one-after"})


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """A server with the page and a graph behind it."""
    schema = strawberry.Schema(Query, Mutation, subscription=Subscription)
    graph = GraphQL[None, None](schema, graphql_ide=None, subscription_protocols=["graphql-sse"])
    roles = Route("/explorer/data/roles", lambda _request: JSONResponse({"roles": {}, "permissions": {}, "needs": {}}))
    version = Route(
        "/explorer/data/version", lambda _request: JSONResponse({"schema": SERVED["schema"]}, SERVED["status"])
    )
    token = Route("/auth/token", _renew, methods=["POST"])
    app = Starlette(routes=[roles, version, token, *routes(), Route("/graphql", OnlyWithToken(graph))])
    with take(0) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    with browser.browser() as started:
        yield started


@pytest.fixture
def driver(chromium: Chrome, base_url: str) -> Chrome:
    """A browser tab that has never been here; what the tabs before it caused is forgotten."""
    chromium.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": base_url, "storageTypes": "local_storage"})
    chromium.switch_to.new_window("tab")
    browser.hosts_asked(chromium)
    browser.complaints(chromium)
    return chromium


def test_the_seed_query_runs_offline_and_the_documentation_knows_its_types(base_url: str) -> None:
    assert browser.run_seed_query_in_browser(base_url, TOKEN) == {"data": {"customer": NORDWIND}}


def test_without_a_token_the_page_says_where_to_get_one(base_url: str, driver: Chrome) -> None:
    driver.get(base_url)
    browser.until(driver, lambda: _panel(driver).is_displayed())
    assert "./dev token" in _panel(driver).text
    assert driver.switch_to.active_element.get_attribute("id") == "sign-in-here"
    browser.press(driver, Keys.ESCAPE)
    driver.execute_async_script("setTimeout(arguments[0], 200)")
    assert _panel(driver).is_displayed()
    assert _stored(driver) == 0
    assert browser.hosts_asked(driver) == {urlsplit(base_url).netloc}
    assert browser.complaints(driver) == []
    driver.execute_script("sessionStorage['psa-explorer:signing-in'] = JSON.stringify({ state: 'mine' })")
    driver.get(f"{base_url}/?state=mine&error=access_denied&error_description=Not+you.")
    problem = driver.find_element(By.ID, "token-problem")
    browser.until(driver, lambda: problem.text)
    assert problem.text == "Signing in did not succeed: Not you."
    assert driver.current_url == f"{base_url}/"


def test_a_typed_token_opens_the_explorer_without_the_mouse(base_url: str, driver: Chrome) -> None:
    driver.get(base_url)
    browser.until(driver, lambda: _panel(driver).is_displayed())
    browser.press(driver, Keys.TAB)
    browser.press(driver, f"Bearer {TOKEN}")
    browser.press(driver, Keys.ENTER)
    browser.until_ready(driver)
    assert not _panel(driver).is_displayed()
    assert browser.run(driver) == {"data": {"customer": NORDWIND}}
    assert browser.complaints(driver) == []


def test_a_refused_token_is_explained_and_not_kept(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token=of-yesterday")
    problem = driver.find_element(By.ID, "token-problem")
    browser.until(driver, lambda: problem.text)
    assert problem.text == "The platform does not accept this token. It may have expired: get a fresh one."
    assert _stored(driver) == 0
    assert driver.current_url == f"{base_url}/"


def test_a_link_signs_in_and_leaves_no_token_behind(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    assert driver.current_url == f"{base_url}/"
    assert driver.execute_script("return sessionStorage['psa-explorer:token']") == TOKEN
    browser.run(driver)
    kept = driver.execute_script("return JSON.stringify(localStorage)")
    assert TOKEN not in kept
    assert "Nordwind" not in kept


def test_signing_out_forgets_the_token_and_the_answers(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    browser.run(driver)
    driver.find_element(By.ID, "sign-out").click()
    browser.until(driver, lambda: _panel(driver).is_displayed())
    assert _stored(driver) == 0


def test_a_token_that_expires_while_working_is_asked_for_again(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    driver.execute_script("sessionStorage['psa-explorer:token'] = 'of-yesterday'")
    browser.press(driver, Keys.CONTROL, Keys.ENTER)
    browser.until(driver, lambda: _panel(driver).is_displayed())
    assert "no longer accepts your token" in _panel(driver).text


def test_whoever_signed_in_gets_the_next_token_without_being_asked(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    signed_in = {"token": "of-yesterday", "refresh": "the-next", "proof": f"x.{_encoded({'name': 'Änne'})}.x"}
    driver.execute_script("sessionStorage['psa-explorer:token'] = 'of-yesterday'")
    driver.execute_script("sessionStorage['psa-explorer:signed-in'] = arguments[0]", json.dumps(signed_in))
    assert browser.run(driver) == {"data": {"customer": NORDWIND}}
    assert driver.execute_script("return sessionStorage['psa-explorer:token']") == TOKEN
    assert driver.find_element(By.ID, "account").text == "Änne"
    assert RENEWED == [
        {"client_id": "AAAAAAAAAAAAAAAAAAAAAQexplorer", "grant_type": "refresh_token", "refresh_token": "the-next"}
    ]


def test_an_open_page_says_when_the_platform_is_away_and_when_the_schema_is_another_one(
    base_url: str, driver: Chrome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> str:
        driver.execute_script("dispatchEvent(new Event('focus'))")
        return driver.find_element(By.ID, "freshness").text

    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    assert said() == ""
    monkeypatch.setitem(SERVED, "status", 503)
    browser.until(driver, lambda: "cannot be reached at the moment" in said())
    monkeypatch.setitem(SERVED, "status", 200)
    browser.until(driver, lambda: said() == "")
    monkeypatch.setitem(SERVED, "schema", "second")
    browser.until(driver, lambda: "The schema has changed" in said())
    driver.find_element(By.CSS_SELECTOR, "#freshness button").send_keys(Keys.ENTER)
    browser.until(
        driver, lambda: driver.execute_script("return document.body?.dataset.state") == "ready" and said() == ""
    )


def test_a_reload_brings_the_work_back(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    browser.write(driver, 'query Other { customer(id: "7") { name } }')
    driver.refresh()
    browser.until_ready(driver)
    assert browser.document(driver) == 'query Other { customer(id: "7") { name } }'
    assert browser.run(driver) == {"data": {"customer": None}}


def test_a_subscription_shows_every_event_even_those_that_arrive_together(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    browser.write(driver, "subscription { ticketsOpened }")
    browser.press(driver, Keys.CONTROL, Keys.ENTER)
    history = "JSON.parse(sessionStorage['psa-explorer:history'] ?? '[]')"
    events = (
        f"return {history}.flatMap(({{responses}}) => responses).map((one) => JSON.parse(one.data).data.ticketsOpened)"
    )
    browser.until(driver, lambda: "Door is stuck" in driver.execute_script(events))
    assert sorted(driver.execute_script(events)) == ["Door is stuck", "Mail is slow", "Printer on fire", "VPN is down"]
    _see_deferred_parts_as_they_come(driver, history)
    _see_why_nothing_was_sent(driver)
    assert browser.complaints(driver) == []


def _see_deferred_parts_as_they_come(driver: Chrome, history: str) -> None:
    """The answer so far is shown; what is said about the run stays out of it."""
    browser.write(driver, 'query Later { customer(id: "123") { name ... @defer { assets { name } } } }')
    browser.press(driver, Keys.CONTROL, Keys.ENTER)
    found = f"{history}.find((one) => one.operation.query.includes('@defer'))?.responses ?? []"
    parts = f"return ({found}).map((one) => one.data)"
    parts += ".sort((one, other) => one.length - other.length).map((one) => JSON.parse(one))"
    # Of parts that come in one piece it may show the last alone.
    shown = browser.until(
        driver, lambda: "assets" in str(driver.execute_script(parts)) and driver.execute_script(parts)
    )
    assert shown[-1] == {"data": {"customer": {"name": "Nordwind", "assets": []}}}


def _see_why_nothing_was_sent(driver: Chrome) -> None:
    browser.write(driver, "query Broken { customer(")
    assert "Syntax Error" in browser.run(driver)["errors"][0]["message"]


def test_the_page_follows_the_systems_colours_while_it_is_open(base_url: str, driver: Chrome) -> None:
    browser.prefer(driver, "light")
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    assert min(_grounds(driver)) > 192
    browser.prefer(driver, "dark")
    browser.until(driver, lambda: max(_grounds(driver)) < 64)


def test_every_button_has_a_name_and_scripts_before_a_request_are_not_offered(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    browser.run(driver)
    browser.button(driver, "Settings").send_keys(Keys.ENTER)
    shadow = "document.querySelector('.hive-laboratory-host').shadowRoot"
    visible = "(one) => one.checkVisibility()"
    items = f"[...{shadow}.querySelectorAll('[role=menuitem]')].filter({visible}).map((one) => one.textContent)"
    browser.until(driver, lambda: driver.execute_script(f"return {items}.length"))
    assert driver.execute_script(f"return {items}") == ["Command Palette...⌘J", "Environment Variables", "Settings"]
    nameless = f"[...{shadow}.querySelectorAll('button')].filter((one) => !one.ariaLabel && !one.textContent.trim())"
    assert driver.execute_script(f"return {nameless}.map((one) => one.outerHTML)") == []


def test_of_a_thousand_fields_the_builder_draws_a_part_and_finds_any(base_url: str, driver: Chrome) -> None:
    driver.get(f"{base_url}/#token={TOKEN}")
    browser.until_ready(driver)
    editor = "document.querySelector('.hive-laboratory-host').shadowRoot"
    rows = f"return [...{editor}.querySelectorAll('[role=checkbox]')].map((one) => one.ariaLabel)"
    browser.write(driver, "mutation { change900 }")
    browser.until(driver, lambda: "change49: String!" in driver.execute_script(rows))
    assert driver.execute_script(rows) == [f"change{number}: String!" for number in [*range(50), 900]]
    assert driver.execute_script(f"return {editor}.querySelectorAll('*').length") < 1500
    browser.button(driver, "Show more (949)").send_keys(Keys.ENTER)
    browser.until(driver, lambda: len(driver.execute_script(rows)) == 251)
    search = driver.execute_script(f"return {editor}.querySelector(\"input[placeholder='Search fields']\")")
    search.send_keys("change777")
    browser.until(driver, lambda: driver.execute_script(rows) == ["change777: String!"])


def _encoded(claims: dict[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")


def _panel(driver: Chrome) -> WebElement:
    return driver.find_element(By.ID, "sign-in")


def _stored(driver: Chrome) -> int:
    """How much of this browser tab's visit is remembered."""
    return int(driver.execute_script("return sessionStorage.length"))


def _grounds(driver: Chrome) -> list[int]:
    """How bright the frame and the editor are, 0 to 255, as painted."""
    script = """
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      const editor = document.querySelector(".hive-laboratory-host").shadowRoot;
      return [document.body, editor.querySelector(".hive-laboratory"), editor.querySelector(".monaco-editor")].map((part) => {
        canvas.fillStyle = getComputedStyle(part).backgroundColor;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
        return Math.round((red + green + blue) / 3);
      });
    """
    return [int(brightness) for brightness in driver.execute_script(script)]
