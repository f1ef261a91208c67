"""The page of a quote: shown without signing in, answered once, with a name, in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from subgraphs.crm.service import quotes
from subgraphs.crm.web.words import WORDS, language
from subgraphs.kit import work
from subgraphs.kit.caller import system
from tests.subgraphs.crm.asking import company, told
from tests.subgraphs.crm.test_sales import done, quote
from tests.subgraphs.house import A

STATE = """query($id: ID!) { quote(id: $id) { status acceptedBy acceptedIp acceptedHash rejectedBy rejectedIp rejectedReason
    viewedAt lines { id optional selected } totals { monthly { amount } } } }"""
FROM = {"x-forwarded-for": "203.0.113.9"}


@pytest.fixture
async def sent(crm):
    made = await quote(crm, await company(crm, "Käufer <b>GmbH</b>"), title="Netz & Telefon")
    text = "mutation($id: ID!) { sendQuote(input: {id: $id}) { quote { id acceptToken acceptLink } errors { code } } }"
    found = (await crm.data(text, id=made["id"]))["sendQuote"]["quote"]
    assert found["acceptLink"] == f"/quotes/{A}/{found['acceptToken']}"
    return found


async def state(crm, made):
    return (await crm.data(STATE, id=made["id"]))["quote"]


async def post(crm, link, confirm="yes", **form):
    return await crm.client.post(link, data=form | {"confirm": confirm}, headers=FROM)


async def test_the_page_is_shown_in_the_readers_language_and_noted(crm, sent):
    page = await crm.client.get(sent["acceptLink"], headers={"accept-language": "de-DE,de;q=0.9,en;q=0.5"})
    english = await crm.client.get(sent["acceptLink"] + "?lang=en")

    assert (page.status_code, english.status_code) == (200, 200)
    assert '<html lang="de">' in page.text
    assert '<html lang="en">' in english.text
    assert "Käufer &lt;b&gt;GmbH&lt;/b&gt;" in page.text
    assert "Netz &amp; Telefon" in page.text
    assert "31. März 2026" in page.text
    assert "March 31, 2026" in english.text
    assert '<label for="name">' in page.text
    assert "script" not in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "private, no-store"
    found = await state(crm, sent)
    assert (found["status"], found["viewedAt"] is not None) == ("VIEWED", True)
    assert [one[0] for one in await told(crm, "Quote", sent["id"])][-2:] == ["quote.sent", "quote.viewed"]


async def test_it_is_accepted_once_with_a_name_and_the_wanted_options(crm, sent):
    option = next(one["id"] for one in (await state(crm, sent))["lines"] if one["optional"])

    nameless = await post(crm, sent["acceptLink"], answer="accept", name="  ", option=option)
    strange = await post(crm, sent["acceptLink"], answer="accept", name="Ute Brandt", option="foreign")
    by_chance = await post(crm, sent["acceptLink"], answer="accept", name="Ute Brandt", confirm="")
    assert [one.status_code for one in (nameless, strange, by_chance)] == [422, 422, 422]
    assert 'role="alert"' in nameless.text
    assert 'aria-invalid="true"' in nameless.text
    assert (await state(crm, sent))["status"] == "SENT"

    accepted = await post(crm, sent["acceptLink"], answer="accept", name="Ute <Brandt>", option=option)
    again = await post(crm, sent["acceptLink"], answer="decline", name="Somebody else")

    assert (accepted.status_code, again.status_code) == (200, 404)
    assert "Ute &lt;Brandt&gt;" in accepted.text
    found = await state(crm, sent)
    assert (found["status"], found["acceptedBy"], found["acceptedIp"]) == ("ACCEPTED", "Ute <Brandt>", "203.0.113.9")
    assert [one["selected"] for one in found["lines"]] == [True, True, True]
    assert found["totals"]["monthly"] == {"amount": "459.90"}
    assert len(found["acceptedHash"]) == 64
    audit = await crm.rows(
        "SELECT actor_kind, address FROM audit WHERE resource_id = $1 AND command = 'acceptQuote'", UUID(sent["id"])
    )
    assert {(one["actor_kind"], one["address"]) for one in audit} == {("SYSTEM", "203.0.113.9")}


async def test_it_is_declined_with_a_reason(crm, sent):
    answer = await post(crm, sent["acceptLink"], answer="decline", name="Ute Brandt", reason="Too dear")

    assert answer.status_code == 200
    found = await state(crm, sent)
    assert found["status"] == "REJECTED"
    assert (found["rejectedBy"], found["rejectedIp"], found["rejectedReason"]) == (
        "Ute Brandt",
        "203.0.113.9",
        "Too dear",
    )


@pytest.mark.parametrize(
    "link", ["/quotes/x/y", f"/quotes/{A}/nobody", f"/quotes/{A}/{'x' * 200}", f"/quotes/{A}/a%00b"]
)
async def test_a_link_that_nobody_sent_shows_nothing(crm, link):
    assert [
        (await crm.client.get(link)).status_code,
        (await post(crm, link, answer="accept", name="x")).status_code,
    ] == [
        404,
        404,
    ]


async def test_a_body_that_is_no_form_changes_nothing(crm, sent):
    for body in (b"\xff\xfe", b"a=1&" * 400, b"x" * 60_000, b"answer=perhaps&name=x"):
        answer = await crm.client.post(sent["acceptLink"], content=body)
        assert answer.status_code == 404
    nul = await post(crm, sent["acceptLink"], answer="accept", name="a\x00b")
    assert nul.status_code == 422
    assert (await state(crm, sent))["status"] == "SENT"


async def test_on_its_last_day_it_holds_and_on_the_next_it_is_over(crm, sent):
    identity, before = UUID(sent["id"]), crm.moment

    async def expire(at):
        async with work.begin(crm.engine, system(A), module="crm", clock=lambda: at) as job:
            await quotes.expire_quote(job, identity)

    await expire(datetime(2026, 3, 31, 21, 59, tzinfo=UTC))  # Hamburg is two hours ahead
    assert (await state(crm, sent))["status"] == "SENT"
    crm.moment = datetime(2026, 3, 31, 22, 1, tzinfo=UTC)
    try:
        assert (await crm.client.get(sent["acceptLink"])).status_code == 404
        assert (await post(crm, sent["acceptLink"], answer="accept", name="Late")).status_code == 404
    finally:
        crm.moment = before
    await expire(datetime(2026, 3, 31, 22, 1, tzinfo=UTC))
    await expire(datetime(2026, 3, 31, 22, 1, tzinfo=UTC))
    assert (await state(crm, sent))["status"] == "EXPIRED"
    assert [one[0] for one in await told(crm, "Quote", sent["id"])] == ["quote.created", "quote.sent", "quote.expired"]


async def test_a_revision_takes_the_link_of_the_former_away(crm, sent):
    await done(crm, "reviseQuote", id=sent["id"])
    assert (await crm.client.get(sent["acceptLink"])).status_code == 404


def test_both_languages_say_the_same_things():
    assert WORDS["de"].keys() == WORDS["en"].keys()
    assert [
        language(*given)
        for given in (("en", "de", "de"), (None, "fr, en;q=0.8", "de"), (None, "", "en-GB"), (None, "fr", "fr"))
    ] == [
        "en",
        "en",
        "en",
        "de",
    ]
