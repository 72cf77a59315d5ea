"""A hundred clients at once on one member: every client's 1 is in the balance, and nobody waits for ever."""

import collections
import concurrent.futures
import time

from client import IMPORT, PREMIUM, UPDATE
from conftest import open_club
from files import email, members, premium

CLIENTS = 100
PATIENCE_S = 120


def upload_until_taken(api, data, deadline):
    """What a well-behaved client does: on 429 and 503 it comes back when the answer says so."""
    refused = collections.Counter()
    while True:
        answer = api.upload(PREMIUM, data)
        if answer.status == 200:
            return answer.json["data"]["id"], refused
        assert answer.status in (429, 503), answer
        refused[answer.code] += 1
        assert int(answer.headers["Retry-After"]) > 0
        assert time.monotonic() < deadline, "never taken"
        # The advice is for people's patience; a tenth of it keeps the pressure up.
        time.sleep(int(answer.headers["Retry-After"]) / 10)


def test_a_hundred_clients_that_add_one_to_the_same_member_add_a_hundred(installation):
    club = open_club(installation)
    data = premium([(email(1), "add", 1)])
    deadline = time.monotonic() + PATIENCE_S
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        taken = list(pool.map(lambda _: upload_until_taken(club.api, data, deadline), range(CLIENTS)))
    assert set().union(*(refused for _, refused in taken)) <= {"too_many_uploads", "too_many_jobs", "overloaded"}
    jobs = {job for job, _ in taken}
    assert len(jobs) == CLIENTS
    for job in jobs:
        assert club.api.wait_for_job(job, PATIENCE_S)["updated"] == 1
    assert installation.balances() == {email(1): CLIENTS * 1_000_000}
    entries = installation.database().rows("SELECT balance_after FROM ledger_entries ORDER BY balance_after")
    assert [int(entry["balance_after"]) for entry in entries] == [n * 1_000_000 for n in range(1, CLIENTS + 1)]
    installation.assert_healthy()
    assert installation.files_match_jobs()


def test_communities_do_not_wait_for_each_others_large_jobs(installation):
    club = open_club(installation)
    other = installation.create_community("Other club")
    api = club.server.api(other.create_key())
    assert api.run(IMPORT, members(1, first=901))["created"] == 1
    large = club.api.queue(PREMIUM, premium([(email(1), "add", 1)] * 400_000))
    assert api.run(PREMIUM, premium([(email(901), "add", 1)] * 10))["updated"] == 10
    assert club.api.job(large)["status"] == "processing"
    club.api.post(f"{UPDATE}/{large}/cancel")
    club.api.wait_for_job(large)
    installation.assert_healthy()


def test_the_queue_of_a_community_has_an_end_and_says_so(installation):
    club = open_club(installation, 5, "--bulk-jobs-waiting-max", "3")
    jobs = [club.api.queue(PREMIUM, premium([(email(1), "add", 1)] * 400_000))]
    jobs += [club.api.queue(PREMIUM, premium([(email(1), "add", 1)])) for _ in range(2)]
    answer = club.api.upload(PREMIUM, premium([(email(1), "add", 1)]))
    assert (answer.status, answer.code) == (429, "too_many_jobs"), answer
    assert int(answer.headers["Retry-After"]) > 0 and "3 jobs" in answer.json["message"]
    assert [club.api.job(job)["queue_position"] for job in jobs[1:]] == [2, 3]
    assert installation.files_match_jobs()
    for job in jobs:
        club.api.post(f"{UPDATE}/{job}/cancel")
        club.api.wait_for_job(job)
