"""The progress of a job as a stream of events, followed while a real server works."""

import signal
import time

import pytest

from client import PREMIUM, UPDATE
from conftest import open_club
from files import add_to_all, email, premium
from harness import Installation, wait_until

MEMBERS, TIMES = 100, 1_500
ROWS = MEMBERS * TIMES
COUNTERS = ("processed", "success", "failed", "updated", "unchanged", "created", "skipped")


def assert_in_order(events):
    """Ids grow and counters never go back."""
    ids = [id_ for id_, _, _ in events if id_ is not None]
    assert ids == sorted(set(ids)), ids
    seen = dict.fromkeys(COUNTERS, 0)
    for _, name, data in events:
        for counter in COUNTERS:
            if counter in data:
                assert data[counter] >= seen[counter], (name, counter)
                seen[counter] = data[counter]


def test_a_job_is_followed_to_its_end(installation):
    club = open_club(installation, MEMBERS)
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))
    stream = club.api.events(job)
    assert stream.status == 200
    assert stream.headers["Content-Type"] == "text/event-stream"
    assert stream.headers["Cache-Control"] == "no-store"
    events, times = [], []
    for event in stream:
        events.append(event)
        times.append((event[1], time.monotonic()))
    names = [name for _, name, _ in events if name != "comment"]
    assert names[0] == "status" and names[-1] == "end"
    assert_in_order([event for event in events if event[1] != "comment"])
    progress = [at for name, at in times if name == "progress"]
    assert len(progress) >= max(1, int(times[-1][1] - times[0][1]) - 1), "less than one in a second"
    assert len(progress) <= 2 * (progress[-1] - progress[0]) + 2, "more than two a second"
    end = events[-1][2]
    assert end == club.api.job(job)
    assert (end["status"], end["updated"]) == ("completed", ROWS)
    assert [data["status"] for _, name, data in events if name == "state"][-1] == "completed"


def test_a_stream_goes_on_where_it_was_left_on_any_node(tmp_path):
    installation = Installation(tmp_path, "postgres")
    try:
        club = open_club(installation, MEMBERS)
        other = installation.start().api(club.key)
        job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))
        first = club.api.events(job)
        seen = []
        for event in first:
            seen.append(event)
            if event[1] == "progress":
                break
        first.close()
        last_id = max(id_ for id_, _, _ in seen if id_ is not None)
        rest = [event for event in other.events(job, last_id) if event[1] != "comment"]
        assert all(id_ > last_id for id_, _, _ in rest if id_ is not None)
        assert_in_order([event for event in seen if event[1] != "comment"] + rest)
        assert rest[-1][1] == "end" and rest[-1][2]["updated"] == ROWS
        # Whoever has seen the end is told not to come back.
        again = club.api.events(job, rest[-1][0])
        assert (again.status, again.answer.read()) == (204, b"")
    finally:
        installation.close()


def test_a_server_that_stops_ends_its_streams_at_once(installation):
    club = open_club(installation, MEMBERS)
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES * 4))
    stream = club.api.events(job)
    events = iter(stream)
    assert next(events)[1] == "status"
    began = time.monotonic()
    club.server.signal(signal.SIGTERM)
    names = [name for _, name, _ in events]  # ends, with a whole body: a cut one would raise
    assert "end" not in names
    assert time.monotonic() - began < 5
    assert club.server.process.wait(timeout=30) == 0
    restarted = installation.start().api(club.key)
    assert [event for event in restarted.events(job)][-1][1] == "end"


def test_a_stream_ends_when_its_key_is_revoked(own_club):
    job = own_club.api.queue(PREMIUM, add_to_all(5, times=40_000))
    key = own_club.community.create_key()
    api = own_club.server.api(key)
    for _, name, _ in api.events(job):
        if name == "status":
            own_club.community.revoke(key)
            revoked_at = time.monotonic()
            break
    held = api.events(job)
    assert held.status == 401
    assert time.monotonic() - revoked_at < 5

    key = own_club.community.create_key()
    stream = own_club.server.api(key).events(job)
    events = iter(stream)
    assert next(events)[1] == "status"
    own_club.community.revoke(key)
    revoked_at = time.monotonic()
    names = []
    try:
        for _, name, _ in events:
            names.append(name)
    except Exception as cut:  # the body has no end mark, since it was cut
        assert "IncompleteRead" in type(cut).__name__, cut
    assert time.monotonic() - revoked_at < 3 or "end" in names


def test_a_key_follows_ten_jobs_at_once_and_no_more(own_club):
    job = own_club.api.queue(PREMIUM, add_to_all(5, times=40_000))
    streams = [own_club.api.events(job) for _ in range(10)]
    assert [stream.status for stream in streams] == [200] * 10
    refused = own_club.api.get(f"{UPDATE}/{job}/events")
    assert (refused.status, refused.code) == (429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    assert own_club.api.get(f"{UPDATE}/{job}/status").status == 200, "other requests are served all the while"
    own_club.api.wait_for_job(job)
    for stream in streams:
        assert list(stream)[-1][1] == "end"
    wait_until(lambda: own_club.api.events(job).status == 200, 5, "places are free again")


def test_a_client_that_goes_away_frees_its_place(own_club):
    job = own_club.api.queue(PREMIUM, add_to_all(5, times=60_000))
    for _ in range(25):
        stream = own_club.api.events(job)
        if stream.status == 429:
            time.sleep(0.2)
            continue
        assert next(iter(stream))[1] == "status"
        stream.close()
    wait_until(lambda: own_club.api.events(job).status == 200, 5, "places are free again")


def test_streams_are_for_their_community_alone(club):
    job = club.api.queue(PREMIUM, premium([(email(1), "add", 1)]))
    other = club.installation.create_community("Other club")
    stranger = club.server.api(other.create_key())
    assert (stranger.get(f"{UPDATE}/{job}/events").status, stranger.get(f"{UPDATE}/{job}/events").code) == (404, "job_not_found")
    assert club.server.api().get(f"{UPDATE}/{job}/events").status == 401
    weak = club.server.api(club.community.create_key("getUserData"))
    assert weak.get(f"{UPDATE}/{job}/events").status == 401


@pytest.mark.slow
def test_a_silent_stream_gives_a_sign_of_life(tmp_path):
    """A job that cannot move, since somebody else holds the database."""
    import sqlite3

    installation = Installation(tmp_path, "sqlite")
    try:
        club = open_club(installation, MEMBERS)
        job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))
        stream = iter(club.api.events(job))
        assert next(stream)[1] == "status"
        blocker = sqlite3.connect(installation.data / "fealty.db", timeout=30, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        name = next(stream)[1]
        while name != "comment":
            began = time.monotonic()
            name = next(stream)[1]
        assert time.monotonic() - began <= 15
        blocker.execute("ROLLBACK")
        assert [name for _, name, _ in stream][-1] == "end"
    finally:
        installation.close()
