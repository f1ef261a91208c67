"""The pages as a person meets them, in a real browser: passkeys with a virtual authenticator, keyboard, light and dark."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions

from subgraphs.auth.models.people import User
from tests.router.explorer import browser as chromium
from tests.subgraphs.auth.conftest import PASSWORD
from tests.subgraphs.auth.serving import served

if reason := chromium.missing():
    pytest.skip(reason, allow_module_level=True)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


def press(driver: Chrome, form: str) -> None:
    """Press the button of a form."""
    driver.find_element(By.CSS_SELECTOR, f"form[action='{form}'] button").click()


def heading(driver: Chrome) -> str:
    """What the page is called; nothing while one page gives way to the next."""
    try:
        return driver.find_element(By.TAG_NAME, "h1").text
    except (NoSuchElementException, StaleElementReferenceException):
        return ""


def until_called(driver: Chrome, *names: str) -> str:
    """Wait for a page; its name."""
    found: str = chromium.until(driver, lambda: heading(driver) in names and heading(driver))
    return found


def sign_in(driver: Chrome, origin: str, user: User) -> None:
    """Enter an address and a password."""
    driver.get(f"{origin}/auth/sign-in")
    driver.find_element(By.NAME, "email").send_keys(user.email)
    driver.find_element(By.NAME, "password").send_keys(PASSWORD)
    press(driver, "/auth/sign-in")


def with_passkey(driver: Chrome, origin: str, user: User) -> list[str]:
    """Enrol a passkey, sign out, and come in with nothing else."""
    driver.add_virtual_authenticator(
        VirtualAuthenticatorOptions(
            protocol="ctap2",
            transport="internal",
            has_resident_key=True,
            has_user_verification=True,
            is_user_verified=True,
            is_user_consenting=True,
        )
    )
    visited = []
    sign_in(driver, origin, user)
    visited.append(until_called(driver, "My account"))
    driver.get(f"{origin}/auth/enroll")
    press(driver, "/auth/enroll/passkey")
    visited.append(until_called(driver, "Recovery codes"))
    driver.find_element(By.CSS_SELECTOR, "a.button").click()
    until_called(driver, "My account")
    assert "My device" in driver.page_source
    press(driver, "/auth/sign-out")
    chromium.until(driver, lambda: "You are signed out." in driver.page_source)
    driver.get(f"{origin}/auth/sign-in")
    press(driver, "/auth/sign-in/passkey")
    visited.append(until_called(driver, "My account"))
    press(driver, "/auth/sign-out")
    chromium.until(driver, lambda: "You are signed out." in driver.page_source)
    sign_in(driver, origin, user)
    visited.append(until_called(driver, "Second factor"))
    press(driver, "/auth/second-factor")
    visited.append(until_called(driver, "My account"))
    assert chromium.complaints(driver) == []
    return visited


def with_app(driver: Chrome, origin: str, user: User) -> None:
    """Enrol an app from what the page shows, and consent to an application that leads back somewhere else."""
    sign_in(driver, origin, user)
    until_called(driver, "My account")
    driver.get(f"{origin}/auth/enroll")
    press(driver, "/auth/enroll/totp")
    until_called(driver, "Authenticator app")
    assert driver.execute_script("return document.querySelector('.picture img').naturalWidth") > 100
    secret = driver.find_element(By.CSS_SELECTOR, ".secret code").text.replace(" ", "")
    driver.find_element(By.NAME, "code").send_keys(pyotp.TOTP(secret).now())
    press(driver, "/auth/enroll/totp/confirm")
    until_called(driver, "Recovery codes")


def consents(driver: Chrome, where: str, back: str) -> dict[str, list[str]]:
    """Allow an application, and come back to it with a code."""
    driver.get(where)
    until_called(driver, "Allow access")
    press(driver, "/auth/consent")
    chromium.until(driver, lambda: driver.current_url.startswith(back))
    return parse_qs(urlsplit(driver.current_url).query)


def contrast_and_names(driver: Chrome) -> list[str]:
    """What a person with a screen reader, a keyboard or weak eyes would stumble over on this page."""
    problems: list[str] = driver.execute_script(_INSPECTION)
    return problems


_INSPECTION = """
const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = numbers(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const problems = [];
for (const element of document.querySelectorAll("h1, h2, p, a:not(.skip), label, legend, button, li, code")) {
  if (!element.textContent.trim() || !element.offsetParent) continue;
  const [one, two] = [numbers(getComputedStyle(element).color), ground(element)].map(luminance);
  const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(1)}: ${element.textContent.trim().slice(0, 40)}`);
}
for (const input of document.querySelectorAll("input:not([type=hidden])")) {
  if (!input.labels?.length) problems.push(`no label: ${input.name}`);
}
for (const element of document.querySelectorAll("[aria-describedby]")) {
  for (const id of element.getAttribute("aria-describedby").split(" ").filter(Boolean)) {
    if (!document.getElementById(id)) problems.push(`describes nothing: ${id}`);
  }
}
const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
if (new Set(ids).size !== ids.length) problems.push(`ids twice: ${ids}`);
if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
if (!document.documentElement.lang) problems.push("no language");
if (document.documentElement.scrollWidth > innerWidth) problems.push("wider than the window");
return problems;
"""


def pages(driver: Chrome, origin: str, user: User, shots: Path) -> dict[str, list[str]]:
    """Look at pages in light and in dark, wide and narrow."""
    found: dict[str, list[str]] = {}
    sign_in(driver, origin, user)
    until_called(driver, "My account")
    for path in ("account", "enroll", "account/password", "device", "device?user_code=BCDFGHJK", "logout"):
        for scheme, width in (("light", 1200), ("dark", 360)):
            chromium.prefer(driver, scheme)
            driver.set_window_size(width, 900)
            driver.get(f"{origin}/auth/{path}")
            driver.save_screenshot(str(shots / f"{path.replace('/', '-').partition('?')[0]}-{scheme}.png"))
            found[f"{path} {scheme}"] = contrast_and_names(driver)
    driver.delete_all_cookies()
    for path in ("sign-in", "forgot", "reset?token=x", "authorize"):
        for scheme, width in (("light", 1200), ("dark", 360)):
            chromium.prefer(driver, scheme)
            driver.set_window_size(width, 900)
            driver.get(f"{origin}/auth/{path}")
            driver.save_screenshot(str(shots / f"{path.partition('?')[0]}-{scheme}.png"))
            found[f"{path} {scheme}"] = contrast_and_names(driver)
    return found


async def in_browser(work: Callable[..., Any], *arguments: Any) -> Any:
    """Drive a browser in a thread, while the pages are served here."""

    def run() -> Any:
        with chromium.browser() as driver:
            return work(driver, *arguments)

    return await asyncio.to_thread(run)


async def test_people_sign_in_with_what_they_have(database: str, tmp_path: Path):
    async with served(database) as (auth, origin):
        first, second, third = await auth.person(), await auth.person(), await auth.person()
        client, _ = await auth.app(redirect_uris=[f"{origin.replace('localhost', '127.0.0.1')}/health/live"])
        back = client.redirect_uris[0]
        where, _ = auth.request(client, redirect_uri=back)

        passkey = await in_browser(with_passkey, origin, first)

        def app_and_consent(driver: Chrome) -> dict[str, list[str]]:
            with_app(driver, origin, second)
            return consents(driver, f"{origin}{where}", back)

        answer = await in_browser(app_and_consent)
        problems = await in_browser(pages, origin, third, tmp_path)

    assert passkey == ["My account", "Recovery codes", "My account", "Second factor", "My account"]
    assert answer["iss"] == [origin]
    assert len(answer["code"][0]) > 40
    assert {page: found for page, found in problems.items() if found} == {}
