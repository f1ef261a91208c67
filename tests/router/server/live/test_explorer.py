"""The developers' page subscribes to the router that serves it, in a real browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

from tests.router.explorer import browser

if reason := browser.missing():
    pytest.skip(reason, allow_module_level=True)

SUBSCRIPTION = 'subscription { ticketUpdated(id: "t1") { title customer { name } } }'


@pytest.mark.browser
@pytest.mark.timeout(180)
async def test_what_happens_appears_in_the_editor(live: Any, issuer: Any) -> None:
    async with live(authentication=issuer.settings(), subscriptions={"heartbeat_seconds": 0.5}) as psa:
        loop = asyncio.get_running_loop()

        def emit(title: str) -> None:
            asyncio.run_coroutine_threadsafe(_emit(psa, title), loop).result(30)

        shown, complaints = await asyncio.to_thread(_in_browser, psa.url, issuer.token(), emit)

    data = [{"ticketUpdated": {"title": title, "customer": {"name": "ACME"}}} for title in ("Printer", "Scanner")]
    assert sorted(shown, key=str) == data
    assert complaints == []


async def _emit(psa: Any, title: str) -> None:
    await psa.feed.heard_by(1)
    psa.feed.emit(title)


def _in_browser(url: str, token: str, emit: Any) -> Any:
    with browser.browser() as driver:
        driver.get(f"{url}/#token={token}")
        browser.until_ready(driver)
        browser.write(driver, SUBSCRIPTION)
        browser.press(driver, Keys.CONTROL, Keys.ENTER)
        history = "JSON.parse(sessionStorage['psa-explorer:history'] ?? '[]')"
        events = f"return {history}.flatMap(({{responses}}) => responses).map((one) => JSON.parse(one.data).data)"
        for number, title in enumerate(("Printer", "Scanner"), 1):
            emit(title)
            browser.until(driver, lambda: len(driver.execute_script(events)) == number)  # noqa: B023 - called at once
        return driver.execute_script(events), browser.complaints(driver)
