"""Nobody waits long behind somebody else's work, and who asks for too much is told when to come back."""

import os
import threading
import time
import types

import pytest

from client import FINAL, IMPORT, PREMIUM, SlowUpload
from conftest import open_club
from files import email, members, premium
from harness import wait_until, wait_until_uploads

SLOW = os.environ.get("FEALTY_TEST_SLOW") == "1"
BIG_ROWS = 5_000_000 if SLOW else 300_000
BIG_MEMBERS = 100_000 if SLOW else 20_000
BIG_S = 3_600 if SLOW else 300
SMALL_MEMBERS = 10
SMALL_S_MAX = 2.0
QUEUE_MAX = 100
COMMUNITY_UPLOADS_MAX, NODE_UPLOADS_MAX = 4, 16


@pytest.fixture
def two_clubs(installation):
    """A community with much to do, and a small one beside it."""
    big = open_club(installation, 0)
    small = installation.create_community("Small club")
    api = big.server.api(small.create_key())
    assert api.run(IMPORT, members(SMALL_MEMBERS, first=9_000_001))["created"] == SMALL_MEMBERS
    return types.SimpleNamespace(installation=installation, server=big.server, big=big.api, small=api)


def small_file():
    return premium((email(9_000_000 + n), "add", 1) for n in range(1, SMALL_MEMBERS + 1))


class SmallJobs(threading.Thread):
    """Uploads ten rows again and again, and measures how long it takes until they are applied."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api = api
        self.seconds = []
        self.ended = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.ended.is_set():
                began = time.monotonic()
                done = self.api.run(PREMIUM, small_file())
                self.seconds.append(time.monotonic() - began)
                assert (done["status"], done["updated"]) == ("completed", SMALL_MEMBERS), done
        except BaseException as error:  # raised again by the test
            self.error = error

    def stop(self):
        self.ended.set()
        self.join(timeout=60)
        if self.error:
            raise self.error


def big_premium():
    return premium((email(n % BIG_MEMBERS + 1), "add", 1) for n in range(BIG_ROWS))


@pytest.mark.parametrize("kind", ["premium", "import"])
def test_ten_rows_of_another_community_end_within_two_seconds_at_every_moment_of_a_big_job(two_clubs, kind, record_property):
    clubs = two_clubs
    if kind == "premium":
        assert clubs.big.run(IMPORT, members(BIG_MEMBERS), deadline_s=BIG_S)["created"] == BIG_MEMBERS
    path, data = (PREMIUM, big_premium()) if kind == "premium" else (IMPORT, members(BIG_ROWS))
    jobs = SmallJobs(clubs.small)
    jobs.start()
    wait_until(lambda: jobs.seconds, 30, "a small job was measured before the big one")
    clubs.big.timeout_s = 600
    before = len(jobs.seconds)
    job = clubs.big.queue(path, data)  # small ones are measured while its file arrives, too
    done = clubs.big.wait_for_job(job, BIG_S)
    jobs.stop()
    beside = jobs.seconds[before:]
    assert (done["status"], done["updated"] + done["created"]) == ("completed", BIG_ROWS), done
    worst, middle = max(beside), sorted(beside)[len(beside) // 2]
    said = f"{BIG_ROWS} rows ({kind}): {len(beside)} jobs of {SMALL_MEMBERS} rows beside it took {middle:.3f} s, at worst {worst:.3f} s"
    print(said)
    record_property("fairness", said)
    assert len(beside) >= 5, "the big job was too short to say anything"
    assert worst < SMALL_S_MAX, said
    clubs.installation.assert_healthy()


def test_a_hundred_jobs_of_one_community_keep_their_order_and_one_more_is_told_to_wait(installation):
    club = open_club(installation, 5)
    first = club.api.queue(IMPORT, members(200_000, first=1_000))
    wait_until(lambda: club.api.job(first)["processed"] > 0, 30, "the first job has begun")
    # As if a node had it that is gone: the queue stands still for as long as this test needs.
    installation.database().execute(f"UPDATE bulk_jobs SET lease_epoch = lease_epoch + 1, lease_until = {int(time.time() * 1000) + 3_600_000} "
                                    "WHERE status = 'processing'")
    queued = [club.api.queue(PREMIUM, premium([(email(1), "overwrite", n)])) for n in range(1, QUEUE_MAX)]
    files = installation.upload_files()
    one_more = club.api.upload(PREMIUM, premium([(email(1), "overwrite", 0)]))
    assert (one_more.status, one_more.code) == (429, "too_many_jobs"), one_more
    assert int(one_more.headers["Retry-After"]) > 0 and str(QUEUE_MAX) in one_more.json["message"]
    assert [club.api.job(job)["queue_position"] for job in queued[:3]] == [2, 3, 4]
    assert (len(installation.jobs()), installation.upload_files()) == (QUEUE_MAX + 1, files), "the refused file is not kept"
    assert club.api.post(f"/v1/users/bulk-update/{first}/cancel").status == 200
    installation.database().execute("UPDATE bulk_jobs SET lease_until = 0 WHERE status = 'processing'")
    done = [club.api.wait_for_job(job) for job in queued]
    assert installation.balances() == {email(1): (QUEUE_MAX - 1) * 1_000_000}
    for earlier, later in zip(done, done[1:]):
        assert earlier["finishedAt"] <= later["startedAt"]
    assert club.api.run(PREMIUM, premium([(email(1), "add", 1)]))["updated"] == 1
    installation.assert_healthy()


def test_uploads_at_once_have_a_limit_for_a_community_and_one_for_the_node(installation):
    club = open_club(installation, 5)
    apis = [club.api] + [club.server.api(installation.create_community(f"Club {n}").create_key())
                         for n in range(2, NODE_UPLOADS_MAX // COMMUNITY_UPLOADS_MAX + 2)]
    for n, api in enumerate(apis[1:], 2):
        assert api.run(IMPORT, members(1, first=n * 1_000))["created"] == 1
    row = premium([(email(1), "add", 1)])
    slow = [SlowUpload(apis[0], row) for _ in range(COMMUNITY_UPLOADS_MAX)]
    wait_until_uploads(installation, COMMUNITY_UPLOADS_MAX)
    fifth = apis[0].upload(PREMIUM, row)
    assert (fifth.status, fifth.code) == (429, "too_many_uploads"), fifth
    assert int(fifth.headers["Retry-After"]) > 0 and f"{COMMUNITY_UPLOADS_MAX} uploads" in fifth.json["message"]
    slow += [SlowUpload(api, premium([(email(n * 1_000), "add", 1)])) for n, api in enumerate(apis[1:-1], 2) for _ in range(COMMUNITY_UPLOADS_MAX)]
    wait_until_uploads(installation, NODE_UPLOADS_MAX)
    full = apis[-1].upload(PREMIUM, row)
    assert full.status == 503 and int(full.headers["Retry-After"]) > 0, full
    # Whoever only reads is served, and a finished upload makes room.
    assert all(api.get("/v1/users/bulk-update").status == 200 for api in apis)
    assert slow.pop().finish()[0] == 200
    wait_until_uploads(installation, NODE_UPLOADS_MAX - 1)
    assert apis[-1].upload(PREMIUM, premium([(email(5_000), "add", 1)])).status == 200
    assert [upload.finish()[0] for upload in slow] == [200] * len(slow)
    wait_until(lambda: all(job["status"] in FINAL for job in installation.jobs()), 60, "all jobs have ended")
    assert installation.files_match_jobs()
