"""Asking the register of VAT ids."""

import pytest

from subgraphs.billing.rules.vat import VatIdStatus
from subgraphs.billing.rules.vies import Owner, answer, next_status, question
from subgraphs.kit.errors import Refusal

VALID = {
    "countryCode": "AT", "vatNumber": "U12345678", "requestDate": "2026-03-10T09:00:00.000Z", "valid": True,
    "requestIdentifier": "WAPIAAAAYkFn2Vwa", "name": "ALPENBLICK GMBH", "address": "---", "traderNameMatch": "VALID",
    "traderStreetMatch": "NOT_PROCESSED",
}  # fmt: skip


def test_whoever_says_who_asks_and_whom_they_mean_gets_a_number_and_what_matches():
    owner = Owner(name="Alpenblick GmbH", street="Ring 1", city="Wien")

    assert question("ATU12345678", "DE123456789", owner) == {
        "countryCode": "AT", "vatNumber": "U12345678", "requesterMemberStateCode": "DE", "requesterNumber": "123456789",
        "traderName": "Alpenblick GmbH", "traderStreet": "Ring 1", "traderCity": "Wien",
    }  # fmt: skip
    found = answer(VALID)
    assert (found.status, found.consultation_number) == (VatIdStatus.VALID, "WAPIAAAAYkFn2Vwa")
    assert (found.name, found.address) == ("ALPENBLICK GMBH", None)
    assert found.matches == {"Name": "VALID", "Street": "NOT_PROCESSED"}


@pytest.mark.parametrize(("vat_id", "code"), [(None, "PRECONDITION_FAILED"), ("CHE123456", "VALIDATION")])
def test_there_must_be_a_vat_id_that_the_register_may_know(vat_id, code):
    with pytest.raises(Refusal) as refusal:
        question(vat_id, None, Owner())

    assert (refusal.value.code, refusal.value.field) == (code, "customerId")


@pytest.mark.parametrize(
    ("said", "status", "fault"),
    [
        (VALID | {"valid": False, "requestIdentifier": ""}, VatIdStatus.INVALID, None),
        ({"actionSucceed": False, "errorWrappers": [{"error": "MS_UNAVAILABLE"}]}, VatIdStatus.UNAVAILABLE, "MS_UNAVAILABLE"),
        ({"actionSucceed": False, "errorWrappers": [{"error": "INVALID_INPUT"}]}, VatIdStatus.INVALID, "INVALID_INPUT"),
        ({"actionSucceed": False, "errorWrappers": []}, VatIdStatus.UNAVAILABLE, None),
        ({"valid": "yes"}, VatIdStatus.UNAVAILABLE, None),
        ({}, VatIdStatus.UNAVAILABLE, None),
    ],
)  # fmt: skip
def test_only_a_clear_word_of_the_register_says_something_of_the_vat_id(said, status, fault):
    found = answer(said)

    assert (found.status, found.consultation_number, found.fault) == (status, None, fault)


def test_a_register_that_is_asleep_takes_nothing_back():
    asleep = VatIdStatus.UNAVAILABLE

    assert next_status(VatIdStatus.VALID, asleep) is VatIdStatus.VALID
    assert next_status(VatIdStatus.UNCHECKED, asleep) is asleep
    assert next_status(VatIdStatus.VALID, VatIdStatus.INVALID) is VatIdStatus.INVALID
