"""Which figure of reliability is proven by which tests, what they must measure, and which mutants show that they could fail.

A figure holds when its proofs pass, its mutants are caught, and everything that was measured keeps within its bounds. Some
bounds are of the long run: a minute cannot tell what a thousand kills would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_KIT: Final = "tests/subgraphs/kit"
_DESK: Final = "tests/subgraphs/tickets/test_service.py"
_HOUSE: Final = "tests/subgraphs/test_every_module.py"
_HUB: Final = "tests/subgraphs/integrations"
_FAULTS: Final = "tests/faults/test_nothing_is_lost.py"


@dataclass(frozen=True, slots=True)
class Bound:
    """What something that proofs measure must be; `least` is of their sum, `most` of each."""

    measured: str
    least: float | None = None
    most: float | None = None
    long: bool = False
    """Whether only the long run has to keep it."""

    @property
    def words(self) -> str:
        """The same for people."""
        most = f"≤ {self.most:,.0f}" if self.most else "0"
        number = most if self.least is None else f"≥ {self.least:,.0f}"
        return f"{self.measured} {number}{' (long run)' if self.long else ''}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One promise: its number in the paper, what proves it, and what breaks it on purpose. A name without brackets stands for all its cases."""

    number: str
    promise: str
    proofs: tuple[str, ...]
    mutants: tuple[str, ...]
    bounds: tuple[Bound, ...] = ()


FIGURES: Final = (
    Figure(
        "9",
        "nothing that was acknowledged is lost under kill -9 of writers, relays, consumers, workers, broker and database",
        (
            f"{_FAULTS}::test_whatever_is_killed_nothing_is_lost_and_nothing_is_done_twice",
            f"{_FAULTS}::test_dying_at_the_worst_moment_loses_nothing_and_does_nothing_twice",
        ),
        (
            f"{_FAULTS}::test_a_mutant_is_caught[a relay that marks before it publishes]",
            f"{_FAULTS}::test_a_mutant_is_caught[a writer that publishes after its commit, without an outbox]",
            f"{_FAULTS}::test_a_mutant_is_caught[a consumer that acknowledges before it has done anything]",
        ),
        (
            Bound("acknowledged", least=5_000),
            Bound("killed", least=30),
            Bound("lost", most=0),
            Bound("unexpected", most=0),
        ),
    ),
    Figure(
        "10",
        "the same for the whole platform: router, module, relay and consumers, far end, broker, Redis and database killed in turn",
        (
            "tests/drills/test_everything_killed.py::test_whichever_process_is_killed_what_was_acknowledged_is_told_and_done_once",
        ),
        (
            f"{_FAULTS}::test_a_mutant_is_caught[a relay that marks before it publishes]",
            f"{_FAULTS}::test_a_mutant_is_caught[a consumer without an inbox]",
        ),
        (
            Bound("lost", most=0),
            Bound("unexpected", most=0),
            Bound("told twice", most=0),
            Bound("killed", least=7),
            Bound("killed", least=1_000, long=True),
            Bound("acknowledged", least=1_000_000, long=True),
        ),
    ),
    Figure(
        "11",
        "no effect is had twice, and no job done twice, when consumers and workers die before they say that it is done",
        (
            f"{_FAULTS}::test_dying_at_the_worst_moment_loses_nothing_and_does_nothing_twice",
            f"{_KIT}/test_inbox.py::test_twins_that_are_handled_at_the_same_moment_have_one_effect",
            f"{_KIT}/test_progress.py::test_of_two_that_do_it_at_the_same_time_the_second_takes_everything_back",
        ),
        (
            f"{_FAULTS}::test_a_mutant_is_caught[a consumer without an inbox]",
            f"{_FAULTS}::test_a_mutant_is_caught[a worker without an inbox]",
        ),
        (Bound("effects_twice", most=0), Bound("jobs_twice", most=0), Bound("sums_differ", most=0)),
    ),
    Figure(
        "12",
        "the newest word about a thing stays, however events are shuffled and doubled; the feed of changes has no gap",
        (
            f"{_KIT}/test_figures.py::test_of_events_that_arrive_shuffled_and_twice_the_newest_stays",
            f"{_HUB}/test_changes.py::test_many_who_write_at_once_leave_no_gap_for_one_who_reads_meanwhile",
        ),
        (
            f"{_KIT}/test_figures.py::test_a_copy_that_does_not_compare_times_ends_with_an_old_name",
            f"{_HUB}/test_mutants.py::test_numbers_that_do_not_wait_for_each_other_lose_a_change",
        ),
        (Bound("inversions", most=0),),
    ),
    Figure(
        "13",
        "three brokers that stop seeing each other, in four shapes, lose nothing that was confirmed, and writes go on within 30 s",
        ("tests/faults/test_partitions.py::test_nodes_that_do_not_see_each_other_lose_nothing_that_was_confirmed",),
        ("tests/faults/test_partitions.py::test_a_writer_that_does_not_wait_to_be_told_loses_what_the_minority_took",),
        (Bound("lost", most=0), Bound("unexpected", most=0), Bound("writes resume after seconds", most=30)),
    ),
    Figure(
        "14",
        "while the broker is away no write fails, and afterwards the outbox drains and nothing is missing",
        (
            f"{_KIT}/test_figures.py::test_while_the_broker_is_away_no_write_fails_and_afterwards_nothing_is_missing",
            f"{_KIT}/test_inbox.py::test_consumers_outlive_the_broker",
            f"{_KIT}/test_inbox.py::test_while_the_database_is_away_the_event_waits_and_no_try_is_counted",
        ),
        (f"{_KIT}/test_figures.py::test_a_relay_that_is_told_yes_by_nobody_loses_everything",),
        (
            Bound("failed", most=0),
            Bound("lost", most=0),
            Bound("hours away", least=1, long=True),
            Bound("drained per second", least=2_000, long=True),
        ),
    ),
    Figure(
        "15",
        "a poisonous event is kept with its reason after 20 tries at most, its neighbours pass by, and it can be replayed",
        (
            f"{_KIT}/test_inbox.py::test_a_poisonous_event_ends_with_the_dead_letters",
            f"{_KIT}/test_inbox.py::test_while_a_failed_event_waits_for_its_next_try_its_neighbours_pass_by",
            f"{_KIT}/test_dead_letters.py",
            f"{_KIT}/test_dead_letter_log.py::test_the_operator_sees_and_settles_those_of_all_tenants",
        ),
        (f"{_KIT}/test_drill_mutants.py::test_without_the_archivist_a_poisonous_event_is_seen_by_nobody",),
        (Bound("most tries", most=20), Bound("tries", most=20), Bound("all through after seconds", most=1, long=True)),
    ),
    Figure(
        "16",
        "every mutation is repeatable under the five rules of keys; fifty twins have one effect and one answer, in GraphQL and REST",
        (
            f"{_HOUSE}::test_every_mutation_is_a_command_that_can_be_repeated_and_refused",
            f"{_DESK}::test_a_command_with_a_key_is_done_once",
            f"{_DESK}::test_the_same_key_for_another_request_is_refused",
            f"{_DESK}::test_what_is_no_key_is_refused_and_nothing_is_done",
            f"{_DESK}::test_a_key_is_kept_for_a_day",
            f"{_DESK}::test_a_refused_command_leaves_its_key_free",
            f"{_KIT}/test_figures.py::test_fifty_twins_have_one_effect_and_one_answer",
            "tests/rest/test_routes.py::test_fifty_twins_make_one_thing",
        ),
        (f"{_KIT}/test_figures.py::test_without_keys_every_twin_has_its_effect",),
        (Bound("effects", most=1), Bound("different answers", most=1), Bound("mutations", least=1)),
    ),
    Figure(
        "17",
        "webhooks: the vectors of the specification, the ladder at its times, an outage of days loses nothing",
        (
            f"{_HUB}/test_rules_signing.py::test_the_public_vector_of_standard_webhooks",
            f"{_HUB}/test_dispatch.py::test_the_reference_library_of_the_specification_believes_us",
            f"{_HUB}/test_dispatch.py::test_the_pauses_are_those_of_the_ladder_and_nothing_is_sent_between_them",
            f"{_HUB}/test_dispatch.py::test_after_three_days_without_success_a_receiver_is_switched_off_and_nothing_is_lost",
            f"{_HUB}/test_dispatch.py::test_a_receiver_that_misbehaves_costs_one_attempt",
        ),
        (f"{_HUB}/test_mutants.py",),
        (Bound("attempts", least=10), Bound("lost", most=0)),
    ),
    Figure(
        "19",
        "events of every released version are still understood",
        ("tests/contracts/events/test_recorded.py::test_what_was_ever_told_is_understood_today",),
        ("tests/contracts/events/test_recorded.py::test_a_version_that_says_too_little_or_is_of_tomorrow_is_refused",),
    ),
)
"""Not here: 18, a restore, is rehearsed where backups are kept."""
