"""What clients send is remembered, but not without end."""

from __future__ import annotations

from router.registry.usage import SeenOperations


def test_what_was_not_sent_for_the_longest_time_is_forgotten_first() -> None:
    now = [0.0]
    seen = SeenOperations(2, clock=lambda: now[0])
    for at, digest in enumerate("abac"):
        now[0] = float(at)
        seen.record(digest, None, "query", "{ a }", "web")

    assert [(one.digest, one.count, one.last_seen) for one in seen.since(100)] == [("c", 1, 3.0), ("a", 2, 2.0)]


def test_texts_are_bounded_all_together() -> None:
    seen = SeenOperations(100, text_bytes=10)
    for digest in "abc":
        seen.record(digest, None, "query", "12345", None)

    assert [one.digest for one in seen.since(100)] == ["c", "b"]


def test_clients_are_told_apart_up_to_a_number_and_can_be_ignored() -> None:
    seen = SeenOperations(10)
    for number in range(30):
        seen.record("a", None, "query", "{ a }", f"client {number}")
    seen.record("b", None, "query", "{ b }", "test")

    assert len(seen.since(100)[1].clients) == 21
    assert [one.digest for one in seen.since(100, ["test"])] == ["a"]


def test_what_was_long_ago_does_not_count_and_all_of_it_outlives_a_restart() -> None:
    now = [0.0]
    seen = SeenOperations(10, clock=lambda: now[0])
    seen.record("a", "A", "query", "{ a }", "web")
    now[0] = 50.0
    again = SeenOperations(10, clock=lambda: now[0])
    again.take_up(seen.kept())

    assert again.since(49) == []
    assert [(one.digest, one.name, one.clients) for one in again.since(51)] == [("a", "A", {"web": 0.0})]
