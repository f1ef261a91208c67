"""The explorer in a real browser: sign in, run a query with the keyboard, read the answer, look a type up.

`run_seed_query_in_browser` works against any address that serves the page and `/graphql`; the browser can reach
nothing else.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from graphql.utilities import strip_ignored_characters
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

SEED_QUERY = 'query { customer(id: "123") { name tickets(status: "open") { id title priority } assets { name type } } }'
SECONDS = 60

_CHROMIUM = Path("/usr/bin/chromium")
_DRIVER = Path("/usr/bin/chromedriver")
# Elements of the page proper, and of the editor, which lives in a shadow root.
_EDITOR = "document.querySelector('.hive-laboratory-host')?.shadowRoot"


def missing() -> str | None:
    """Why no browser test can run here, if so."""
    absent = [str(program) for program in (_CHROMIUM, _DRIVER) if not program.exists()]
    if not absent:
        return (
            None if _knows_localhost() else "NO BROWSER TESTS: chromedriver needs `127.0.0.1 localhost` in /etc/hosts"
        )
    return f"NO BROWSER TESTS: {' and '.join(absent)} not found; apt-get install chromium chromium-driver brings them"


def _knows_localhost() -> bool:
    try:
        return bool(socket.getaddrinfo("localhost", None))
    except socket.gaierror:
        return False


def run_seed_query_in_browser(base_url: str, token: str) -> dict[str, Any]:
    """Run the seed query as a developer does on day one; the answer as the page shows it."""
    with browser() as driver:
        driver.get(f"{base_url}/#token={token}")
        until_ready(driver)
        assert strip_ignored_characters(document(driver)) == strip_ignored_characters(SEED_QUERY)
        answer = run(driver)
        documentation = look_up_type(driver, "Customer")
        assert "tickets" in documentation, documentation
        assert hosts_asked(driver) == {urlsplit(base_url).netloc}
        assert complaints(driver) == []
    return answer


@contextmanager
def browser() -> Iterator[Chrome]:
    """A fresh headless Chromium that finds no host but this machine."""
    options = ChromeOptions()
    options.binary_location = str(_CHROMIUM)
    for argument in (
        "--headless=new",
        "--window-size=1440,900",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        "--disable-background-networking",
        "--disable-dev-shm-usage",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium refuses its sandbox to root
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = Chrome(options, Service(str(_DRIVER)))
    try:
        yield driver
    finally:
        driver.quit()


def prefer(driver: Chrome, scheme: str) -> None:
    """Let the system prefer light or dark."""
    feature = {"name": "prefers-color-scheme", "value": scheme}
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})


def until_ready(driver: Chrome) -> None:
    """Wait until the editor stands and shows the schema's fields."""
    until(driver, lambda: driver.execute_script(f"return {_EDITOR}?.querySelector('[role=checkbox]') != null"))


def document(driver: Chrome) -> str:
    """The text in the operation editor."""
    return cast("str", driver.execute_script(f"return {_MODEL_OF_OPERATION}.getValue()"))


def write(driver: Chrome, text: str) -> None:
    """Replace the text in the operation editor."""
    driver.execute_script(f"{_MODEL_OF_OPERATION}.setValue(arguments[0])", text)
    remembered = "return JSON.parse(localStorage['psa-explorer:operations'] ?? '[]').map((one) => one.query)"
    until(driver, lambda: text in driver.execute_script(remembered))


def write_variables(driver: Chrome, text: str) -> None:
    """Replace the text in the editor of variables."""
    driver.execute_script(f"{_MODEL_OF_VARIABLES}.setValue(arguments[0])", text)
    remembered = "return JSON.parse(localStorage['psa-explorer:operations'] ?? '[]').map((one) => one.variables)"
    until(driver, lambda: text in driver.execute_script(remembered))


def run(driver: Chrome) -> dict[str, Any]:
    """Press Ctrl+Enter; the answer that the page then shows."""
    press(driver, Keys.CONTROL, Keys.ENTER)
    shown = until(driver, lambda: driver.execute_script(f"return {_ANSWER_SHOWN}?.getValue()"))
    return cast("dict[str, Any]", json.loads(shown))


def look_up_type(driver: Chrome, name: str) -> str:
    """Open the documentation, search the type, choose it, and read."""
    button(driver, "Documentation").send_keys(Keys.ENTER)
    search = until(driver, lambda: _in_editor(driver, "input[placeholder='Search the schema']"))
    search.send_keys(name)
    pane = until(driver, lambda: search.find_element(By.XPATH, "./ancestor::*[@data-panel][1]"))
    until(driver, lambda: "TYPES" in pane.text.upper())
    until(driver, lambda: _button_within(driver, pane, name)).send_keys(Keys.ENTER)
    until(driver, lambda: "FIELDS" in pane.text.upper() and "TYPES" not in pane.text.upper())
    return cast("str", pane.text)


def button(driver: Chrome, name: str) -> WebElement:
    """The editor's button with that accessible name."""
    return cast(
        "WebElement",
        until(
            driver,
            lambda: driver.execute_script(
                f"return [...{_EDITOR}.querySelectorAll('button')]"
                ".find((one) => [one.ariaLabel, one.textContent.trim()].includes(arguments[0]))",
                name,
            ),
        ),
    )


def press(driver: Chrome, *keys: str) -> None:
    """Hold all keys but the last, and strike that one."""
    chain = ActionChains(driver)
    for key in keys[:-1]:
        chain.key_down(key)
    chain.send_keys(keys[-1])
    for key in keys[:-1]:
        chain.key_up(key)
    chain.perform()


def until(driver: Chrome, condition: Callable[[], Any]) -> Any:
    """Wait for something to become true; what it became."""
    return WebDriverWait(driver, SECONDS).until(lambda _: condition())


def hosts_asked(driver: Chrome) -> set[str]:
    """Every host that anything on the page sent a request to, since it was last asked."""
    events = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]  # type: ignore[no-untyped-call]
    urls = [
        urlsplit(event["params"].get("url") or event["params"]["request"]["url"])
        for event in events
        if event["method"] in {"Network.requestWillBeSent", "Network.webSocketCreated"}
    ]
    return {url.netloc for url in urls if url.scheme not in {"data", "blob"}}


def complaints(driver: Chrome) -> list[str]:
    """Warnings and errors in the console, since it was last asked; a breach of the page's policy is one."""
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] in {"WARNING", "SEVERE"}]  # type: ignore[no-untyped-call]


_MODEL_OF_OPERATION = "monaco.editor.getModels().find((model) => model.uri.path.startsWith('/operation'))"
_MODEL_OF_VARIABLES = "monaco.editor.getModels().find((model) => model.uri.path.startsWith('/variables'))"
_ANSWER_SHOWN = (
    "monaco.editor.getModels().find((model) => model.getLanguageId() === 'json'"
    ' && /^\\s*\\{\\s*"(data|errors)"/.test(model.getValue()))'
)


def _in_editor(driver: Chrome, selector: str) -> Any:
    return driver.execute_script(f"return {_EDITOR}.querySelector(arguments[0])", selector)


def _button_within(driver: Chrome, place: WebElement, text: str) -> Any:
    script = "return [...arguments[0].querySelectorAll('button')].find((one) => one.textContent === arguments[1])"
    return driver.execute_script(script, place, text)
