"""kill -9 at any moment: accepted work goes on where it stood, each row takes effect once, and nothing half-made stays."""

import http.client
import itertools
import os
import threading
import time

import pytest

from client import PREMIUM, multipart
from conftest import open_club
from files import HEADER, add_to_all, email, premium
from harness import wait_until

KILLS = int(os.environ.get("FEALTY_TEST_KILLS", "4"))
MEMBERS = 100
PATIENCE_S = 120
# Clients that lost their server.
BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError)


def restart(club):
    """A new server on what the killed one left. Start-up removes files without a job, of a shared folder those that have
    not been written to for ten minutes: time passes here by the clock of the files."""
    for path in club.installation.uploads.iterdir():
        os.utime(path, (1, 1))
    club.server = club.installation.start(*club.options)
    club.api = club.server.api(club.key)


@pytest.fixture
def killable_club(installation):
    # Far more uploads than a community is meant to have under way, so that kills and not limits end them.
    options = ["--bulk-jobs-waiting-max", "10000"]
    club = open_club(installation, MEMBERS, *options)
    club.options = options
    return club


def assert_whole(club):
    club.installation.assert_healthy()
    assert club.installation.files_match_jobs()


def test_a_job_that_is_killed_again_and_again_applies_every_row_once(killable_club, dice):
    club = killable_club
    times = 1_500 + 500 * KILLS
    rows = MEMBERS * times
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=times))
    seen, kills = 0, 0
    for _ in range(KILLS):
        # Past what was there before the kill, so that a job is not taken for one that kills its worker.
        progress = wait_until(lambda: (lambda s: s if s["processed"] > seen or s["status"] == "completed" else None)(club.api.job(job)),
                              PATIENCE_S, "the job moves on")
        if progress["status"] == "completed":
            break
        seen = progress["processed"]
        time.sleep(dice.uniform(0, 0.25))
        club.server.kill()
        kills += 1
        restart(club)
        assert club.api.job(job)["processed"] >= seen
    assert kills >= min(KILLS, 2), "the job was too short to be killed"
    done = club.api.wait_for_job(job, PATIENCE_S)
    assert (done["status"], done["updated"], done["failed"], done["total"]) == ("completed", rows, 0, rows)
    assert club.installation.balances() == {email(n): times * 1_000_000 for n in range(1, MEMBERS + 1)}
    applied = club.installation.database().rows("SELECT count(DISTINCT source_row) AS rows_of_file, count(*) AS entries FROM ledger_entries WHERE source_row > 0")
    assert (int(applied[0]["rows_of_file"]), int(applied[0]["entries"])) == (rows, rows)
    assert_whole(club)


def test_a_dry_run_that_is_killed_foretells_the_same(killable_club, dice):
    club = killable_club
    club.api.run(PREMIUM, premium([(email(1), "overwrite", 40_000)]))
    job = club.api.queue(PREMIUM, premium((email(1), "subtract", 1) for _ in range(120_000)), fields={"dry_run": "true"})
    for seen in (0, 30_000):
        progress = wait_until(lambda: (lambda s: s["processed"] > seen and s)(club.api.job(job)), PATIENCE_S, "the dry run moves on")
        time.sleep(dice.uniform(0, 0.1))
        club.server.kill()
        restart(club)
    done = club.api.wait_for_job(job, PATIENCE_S)
    assert (done["status"], done["updated"], done["failed"]) == ("completed", 40_000, 80_000), progress
    assert club.installation.balances() == {email(1): 40_000_000_000}
    assert_whole(club)


def test_an_upload_that_is_killed_leaves_neither_job_nor_file(killable_club, dice):
    club = killable_club
    body, content_type = multipart((HEADER + "\n").encode() + f"{email(1)},1,add\n".encode() * 200_000)
    jobs, files = club.installation.jobs(), club.installation.upload_files()
    for share in (dice.uniform(0.05, 0.5), 0.999):
        connection = club.api.connect()
        connection.putrequest("POST", PREMIUM)
        for name, value in {**club.api.headers(), "Content-Type": content_type, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[:int(len(body) * share)])
        wait_until(lambda: club.installation.upload_files() != files, 10, "the upload has begun")
        club.server.kill()
        connection.close()
        restart(club)
        assert (club.installation.jobs(), club.installation.upload_files()) == (jobs, files)
    assert_whole(club)


def test_a_client_that_goes_away_leaves_neither_job_nor_file(killable_club):
    club = killable_club
    jobs, files = club.installation.jobs(), club.installation.upload_files()
    body, content_type = multipart(add_to_all(MEMBERS, times=1_000))
    connection = club.api.connect()
    connection.putrequest("POST", PREMIUM)
    for name, value in {**club.api.headers(), "Content-Type": content_type, "Content-Length": str(len(body))}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body[:len(body) // 2])
    wait_until(lambda: club.installation.upload_files() != files, 10, "the upload has begun")
    connection.close()
    wait_until(lambda: club.installation.upload_files() == files, 10, "the partial file is gone")
    assert club.installation.jobs() == jobs


class Uploader(threading.Thread):
    """Uploads one-row jobs, each under an Idempotency-Key of its own, until the server is gone."""

    numbers = itertools.count(1)

    def __init__(self, api, open_keys):
        super().__init__(daemon=True)
        self.api = api
        self.open_keys = list(open_keys)  # of requests whose answer never came: they are repeated first
        self.accepted = {}

    def run(self):
        while True:
            if not self.open_keys:
                self.open_keys.append(f"upload {next(self.numbers)}")
            key = self.open_keys[0]
            try:
                answer = self.api.upload(PREMIUM, premium([(email(1), "add", 1)]), headers={"Idempotency-Key": key})
            except BROKEN:
                return
            if answer.status == 200:
                self.accepted[key] = answer.json["data"]["id"]
                self.open_keys.pop(0)
            elif answer.code == "request_in_progress":
                continue
            else:
                raise AssertionError(answer)


def test_what_was_accepted_exists_after_the_kill_and_repeats_add_nothing(killable_club, dice):
    club = killable_club
    accepted, open_keys = {}, [[], [], []]
    for _ in range(KILLS):
        uploaders = [Uploader(club.api, keys) for keys in open_keys]
        for uploader in uploaders:
            uploader.start()
        time.sleep(dice.uniform(0.02, 0.4))
        club.server.kill()
        for uploader in uploaders:
            uploader.join(timeout=60)
            assert not uploader.is_alive()
            accepted.update(uploader.accepted)
        open_keys = [uploader.open_keys for uploader in uploaders]
        restart(club)
        assert club.installation.files_match_jobs()
        for job in accepted.values():
            assert club.api.job(job)["total"] == 1
    for key in itertools.chain(*open_keys):
        answer = club.api.upload(PREMIUM, premium([(email(1), "add", 1)]), headers={"Idempotency-Key": key})
        assert answer.status == 200, answer
        accepted[key] = answer.json["data"]["id"]
    assert len(set(accepted.values())) == len(accepted) > KILLS
    for job in accepted.values():
        assert club.api.wait_for_job(job, PATIENCE_S)["updated"] == 1
    assert club.installation.balances() == {email(1): len(accepted) * 1_000_000}
    assert_whole(club)
