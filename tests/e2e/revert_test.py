"""A job is taken back: every balance becomes what it was, whatever dies on the way."""

import json
import os
import time

from client import IMPORT, PREMIUM, UPDATE
from conftest import open_club
from files import add_to_all, email, members, premium
from harness import wait_until

KILLS = int(os.environ.get("FEALTY_TEST_KILLS", "4"))
MEMBERS = 100
PATIENCE_S = 120


def revert(api, job, reason="typed in twice", headers=None, **options):
    return api.post(f"{UPDATE}/{job}/revert", json.dumps({"reason": reason, **options}),
                    {"Content-Type": "application/json", **(headers or {})})


def queue_revert(api, job, **options):
    answer = revert(api, job, **options)
    assert answer.status == 200, answer
    assert answer.json["message"] == "Bulk update revert is queued"
    assert answer.json["data"]["revert_of"] == job
    return answer.json["data"]["id"]


def test_an_upload_is_taken_back(own_club):
    club = own_club
    club.api.run(PREMIUM, add_to_all(5, 10))
    before = club.installation.balances()
    job = club.api.queue(PREMIUM, premium([(email(1), "add", 5), (email(2), "subtract", 3), (email(3), "overwrite", 1), (email(9), "add", 1)]))
    club.api.wait_for_job(job)
    reversing = queue_revert(club.api, job, dry_run=True)
    assert club.api.wait_for_job(reversing)["updated"] == 3
    assert club.api.job(job)["status"] == "completed"
    assert club.installation.balances() != before
    reversing = queue_revert(club.api, job)
    done = club.api.wait_for_job(reversing)
    assert (done["type"], done["status"], done["total"], done["updated"], done["revert_of"]) == ("revert", "completed", 3, 3, job)
    assert club.installation.balances() == before
    original = club.api.job(job)
    assert (original["status"], original["reverted_by"], original["reverted_rows"], original["conflicts"]) == ("reverted", reversing, 3, 0)
    rows = club.api.details(reversing)["rows"]
    assert [(row["row"], row["key"], row["status"]) for row in rows] == [(4, email(3), "updated"), (3, email(2), "updated"), (2, email(1), "updated")]
    assert rows[2]["changes"][0]["op"] == "subtract" and rows[2]["changes"][0]["after"] == 10
    assert revert(club.api, job).code == "nothing_to_revert"
    listed = club.api.get(f"{UPDATE}?type=revert").json["data"]
    assert len(listed) == 2
    club.installation.assert_healthy()


def test_a_reversal_wants_a_reason_and_a_job(own_club):
    club = own_club
    job = club.api.queue(PREMIUM, add_to_all(2))
    club.api.wait_for_job(job)
    for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": 5}):
        answer = club.api.post(f"{UPDATE}/{job}/revert", json.dumps(body), {"Content-Type": "application/json"})
        assert answer.status == 400, answer
    assert revert(club.api, "0" * 24).code == "job_not_found"
    first, again = (revert(club.api, job, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert first.status == again.status == 200 and first.json["data"]["id"] == again.json["data"]["id"]


def test_what_was_spent_since_is_a_conflict(own_club):
    club = own_club
    job = club.api.queue(PREMIUM, add_to_all(3, 10))
    club.api.wait_for_job(job)
    club.api.run(PREMIUM, premium([(email(2), "subtract", 4)]))
    reversing = queue_revert(club.api, job)
    club.api.wait_for_job(reversing)
    assert club.api.row_errors(reversing) == [(3, "insufficient_balance")]
    assert club.api.job(job)["conflicts"] == 1
    club.api.run(PREMIUM, premium([(email(2), "add", 4)]))
    club.api.wait_for_job(queue_revert(club.api, job))
    assert set(club.installation.balances().values()) == {0}
    club.installation.assert_healthy()


def test_an_import_is_taken_back_and_comes_again(own_club):
    club = own_club
    for _ in range(2):
        job = club.api.queue(IMPORT, members(200, first=50))
        assert club.api.wait_for_job(job)["created"] == 200
        assert club.api.wait_for_job(queue_revert(club.api, job))["updated"] == 200
        left = club.installation.database().rows("SELECT count(*) AS people FROM accounts")
        assert int(left[0]["people"]) == 6, "the members of the club and its owner"
    club.installation.assert_healthy()


def test_a_reversal_that_is_killed_again_and_again_takes_every_row_back_once(installation, dice):
    club = open_club(installation, MEMBERS)
    times = 1_500 + 500 * KILLS
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=times))
    club.api.wait_for_job(job, PATIENCE_S)
    reversing = queue_revert(club.api, job)
    seen, kills = 0, 0
    for _ in range(KILLS):
        progress = wait_until(lambda: (lambda s: s if s["processed"] > seen or s["status"] == "completed" else None)(club.api.job(reversing)),
                              PATIENCE_S, "the reversal moves on")
        if progress["status"] == "completed":
            break
        seen = progress["processed"]
        time.sleep(dice.uniform(0, 0.25))
        club.server.kill()
        kills += 1
        club.server = club.installation.start()
        club.api = club.server.api(club.key)
        assert club.api.job(reversing)["processed"] >= seen
    assert kills >= min(KILLS, 2), "the reversal was too short to be killed"
    done = club.api.wait_for_job(reversing, PATIENCE_S)
    rows = MEMBERS * times
    assert (done["status"], done["updated"], done["failed"], done["total"]) == ("completed", rows, 0, rows)
    assert set(club.installation.balances().values()) == {0}
    assert club.api.job(job)["reverted_rows"] == rows
    club.installation.assert_healthy()
