"""The explorer's views in a real browser, over a router that serves the platform's own graph; no module answers."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import uvicorn
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from deploy.local.serving import take
from router.server.app import build
from router.server.config import RouterConfig
from tests.router.explorer import browser

if reason := browser.missing():
    pytest.skip(reason, allow_module_level=True)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NASTY = 'O\'Brien "quoted" \\ back\nzweite Zeile ä€ $HOME `date` ${x} \\u00e9 """ \'\'\''
SUPERGRAPH = Path(__file__).parents[3] / "contracts" / "graph" / "supergraph.graphql"


@pytest.fixture
def base_url() -> Iterator[str]:
    # What no module answers is refused by the port itself.
    urls = dict.fromkeys(("assets", "auth", "billing", "crm", "integrations", "tickets"), "http://127.0.0.1:9/graphql")
    config = RouterConfig.model_validate({"supergraph_file": SUPERGRAPH, "subgraphs": {"urls": urls}})
    with take(0) as listening:
        server = uvicorn.Server(uvicorn.Config(build(config), log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def test_a_developer_finds_who_owns_what_runs_an_operation_and_reads_why_a_field_was_refused(base_url: str) -> None:
    with browser.browser() as driver:
        driver.get(f"{base_url}/#token=anybody")
        browser.until_ready(driver)
        _read_the_map(driver)
        _read_a_run(driver)
        _read_the_catalogue(driver)
        _look_as_a_technician_in_german(driver)
        assert browser.complaints(driver) == []


def _read_the_map(driver: Chrome) -> None:
    _go(driver, "map")
    search = browser.until(driver, lambda: _found(driver, ".map input"))
    search.send_keys("Customer assets" + Keys.ARROW_DOWN)
    options = "return [...document.querySelectorAll('.map [role=option] .name')].map((one) => one.textContent)"
    browser.until(driver, lambda: "Customer.assets" in driver.execute_script(options))
    rows = driver.find_elements(By.CSS_SELECTOR, ".map [role=option]")
    next(row for row in rows if "Customer.assets" in row.text).click()
    browser.until(driver, lambda: _text(driver, ".map h2").startswith("Customer"))
    # Of all fields of the type the one that was found is shown, with what it takes.
    cells = [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, ".map tr[aria-current] > *")]
    assert cells[0].startswith("assets (")
    assert cells[1:4] == ["[Asset!]", "assets", "assets:read"]
    assert "limit\nInt!\n50" in "\n".join(
        cell.text for cell in driver.find_elements(By.CSS_SELECTOR, ".map .arguments tbody tr > *")
    )
    node = driver.find_element(By.CSS_SELECTOR, "[data-name=Customer]")
    label = str(node.get_attribute("aria-label"))
    assert label.startswith("Customer; owned by assets, ")
    assert "Ticket" in label.rpartition("leads to ")[2]
    driver.execute_script("arguments[0].focus()", node)
    browser.press(driver, Keys.ARROW_LEFT)
    browser.press(driver, Keys.ENTER)
    browser.until(driver, lambda: not _text(driver, ".map h2").startswith("Customer"))


def _read_a_run(driver: Chrome) -> None:
    _go(driver, "query")
    browser.write(driver, "query Rates { me { id costRate } }")
    answer = browser.run(driver)
    assert {error["extensions"]["code"] for error in answer["errors"]} >= {"UNAUTHORIZED_FIELD_OR_TYPE"}
    assert "trace" not in answer.get("extensions", {})
    _go(driver, "run")
    refused = browser.until(driver, lambda: _text(driver, ".refusals"))
    assert "User.costRate asks for costs:read" in refused
    assert "Owner" in refused
    assert [cell.text for cell in driver.find_elements(By.CSS_SELECTOR, ".run tbody th")][:1] == ["auth"]
    assert 'Fetch(service: "auth")' in _text(driver, ".run pre")
    _go(driver, "code")
    samples = browser.until(driver, lambda: _samples(driver))
    assert next(iter(samples)) == "curl"
    assert {"TypeScript", "Python"} <= set(samples)
    assert "query Rates { me { id costRate } }" in samples["Python"]
    _read_the_seed_as_rest(driver)


def _read_the_seed_as_rest(driver: Chrome) -> None:
    """A list that is asked with arguments is a call of its own: what is expanded takes none."""
    _go(driver, "query")
    browser.write(driver, browser.SEED_QUERY)
    _go(driver, "code")
    calls = browser.until(driver, lambda: _samples(driver))["REST"]
    assert "/api/v1/customers/123?fields=name,assets.name,assets.type&expand=assets'" in calls
    assert "/api/v1/customers/123/tickets?status=open&fields=id,title,priority'" in calls
    _read_what_has_to_be_quoted(driver)


def _read_what_has_to_be_quoted(driver: Chrome) -> None:
    """The printed lines say what the operation says, whatever stands in its variables."""
    _go(driver, "query")
    operation = "query Find($text: String!) { customers(search: $text, limit: 2) { name } } query Other { me { id } }"
    browser.write(driver, operation)
    browser.write_variables(driver, json.dumps({"text": NASTY}))
    _go(driver, "code")
    asked = {"query": operation, "variables": {"text": NASTY}, "operationName": "Find"}
    printed = browser.until(driver, lambda: "$text" in _samples(driver)["curl"] and _samples(driver))
    assert json.loads(_as_the_shell_reads(printed["curl"])[-1]) == asked
    address = urlsplit(_as_the_shell_reads(printed["REST"])[1])
    assert address.path == "/api/v1/customers"
    assert parse_qs(address.query) == {"q": [NASTY], "limit": ["2"], "fields": ["name"]}
    assert _as_python_sends(printed["Python"]) == asked
    _read_what_is_only_tried(driver)


def _read_what_is_only_tried(driver: Chrome) -> None:
    """What an input says of its command are headers of REST: a trial stays one."""
    _go(driver, "query")
    said = '{customerId: "7", title: "Door", dryRun: true, clientMutationId: "once"}'
    browser.write_variables(driver, "")
    browser.write(driver, f"mutation Open {{ createTicket(input: {said}) {{ ticket {{ id }} }} }}")
    _go(driver, "code")
    browser.until(driver, lambda: "/api/v1/tickets" in _samples(driver).get("REST", ""))
    line = _as_the_shell_reads(_samples(driver)["REST"])
    assert {"Prefer: dry-run", "Idempotency-Key: once"} < set(line)
    assert json.loads(line[-1]) == {"customerId": "7", "title": "Door"}


def _as_the_shell_reads(command: str) -> list[str]:
    program = "curl() { printf '%s\\0' \"$@\"; }\n" + command
    told = subprocess.run(["/bin/sh", "-c", program], capture_output=True, text=True, check=True)
    return told.stdout.split("\0")[:-1]


def _as_python_sends(program: str) -> Any:
    """The body that it would send."""
    body = program.index("json.dumps(") + len("json.dumps(")
    lines = program[: program.index("request =")] + "sent = " + program[body : program.index(").encode()")]
    found: dict[str, Any] = {}
    exec(lines, found)  # noqa: S102 - what our own page printed
    return {**found["sent"], "query": found["sent"]["query"].strip()}


def _read_the_catalogue(driver: Chrome) -> None:
    _go(driver, "catalogue")
    search = browser.until(driver, lambda: _found(driver, ".catalogue input"))
    search.send_keys("ticket.created")
    browser.until(driver, lambda: "ticket.created" in _text(driver, ".catalogue [role=option]"))
    browser.press(driver, Keys.ARROW_DOWN)
    browser.press(driver, Keys.ENTER)
    browser.until(driver, lambda: _text(driver, ".catalogue h2") == "ticket.created")
    assert '"type": "ticket.created"' in _text(driver, ".catalogue pre")
    assert browser.complaints(driver) == []
    _try_a_route(driver)


def _try_a_route(driver: Chrome) -> None:
    """Every parameter and header can be filled in; what was sent stands there as a line for the shell, too."""
    driver.execute_script("location.hash = '#/catalogue/' + encodeURIComponent('PATCH /tickets/{id}')")
    browser.until(driver, lambda: _text(driver, ".catalogue h2") == "PATCH /tickets/{id}")
    driver.find_element(By.ID, "try-path-id").send_keys("T-1")
    driver.find_element(By.ID, "try-header-If-Match").send_keys('"7"')
    driver.find_element(By.CSS_SELECTOR, ".try details summary").click()
    driver.find_element(By.ID, "try-header-Prefer").send_keys("return=minimal")
    driver.find_element(By.CSS_SELECTOR, ".try [type=submit]").click()
    browser.until(driver, lambda: _text(driver, ".catalogue [role=status]:not(.quiet)").startswith("503 in "))
    sent = "return [...document.querySelectorAll('.answer pre')].at(-1).textContent"
    line = _as_the_shell_reads(driver.execute_script(sent))
    assert line[1:3] == ["-X", "PATCH"]
    assert line[3].endswith("/api/v1/tickets/T-1")
    headers = {'if-match: "7"', "prefer: return=minimal, dry-run", "content-type: application/merge-patch+json"}
    assert headers < set(line)
    assert all("503" in complaint for complaint in browser.complaints(driver))


def _look_as_a_technician_in_german(driver: Chrome) -> None:
    before = _types(driver)
    Select(driver.find_element(By.ID, "language")).select_by_value("de")
    browser.until(driver, lambda: driver.execute_script("return document.documentElement.lang") == "de")
    browser.until(driver, lambda: driver.find_element(By.TAG_NAME, "body").get_attribute("data-state") == "ready")
    Select(driver.find_element(By.ID, "role")).select_by_value("portal_user")
    browser.until(driver, lambda: _found(driver, "#as-role:not([hidden])"))
    assert "Sie sehen das Schema" in _text(driver, "#as-role")
    assert 0 < _types(driver) < before


def _types(driver: Chrome) -> int:
    """How many types the map shows."""
    browser.until(driver, lambda: driver.find_element(By.TAG_NAME, "body").get_attribute("data-state") == "ready")
    _go(driver, "map")
    driver.execute_script("const box = document.querySelector('.map input'); if (box) box.value = ''")
    told = browser.until(driver, lambda: _found(driver, ".map [role=status]:not(.notice)"))
    driver.execute_script("document.querySelector('.map input').dispatchEvent(new Event('input'))")
    return int(told.text.split()[0])


def _go(driver: Chrome, view: str) -> None:
    driver.find_element(By.CSS_SELECTOR, f"[data-view={view}]").click()


def _found(driver: Chrome, selector: str) -> Any:
    return next(iter(driver.find_elements(By.CSS_SELECTOR, selector)), None)


def _text(driver: Chrome, selector: str) -> str:
    # In one step: a view may be drawn again between two.
    return str(driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", selector))


def _samples(driver: Chrome) -> dict[str, str]:
    script = (
        "return [...document.querySelectorAll('[data-sample]')].map((one) => [one.dataset.sample, one.textContent])"
    )
    return dict(driver.execute_script(script))
