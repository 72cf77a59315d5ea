"""Histories over the real program: chains without a gap under parallel writers and kills, jobs and single changes mixed, lists
that miss nothing, retention at the start."""

import concurrent.futures
import http.client
import itertools
import json
import threading

from client import UPDATE
from conftest import open_club
from files import email
from harness import wait_until

PATIENCE_S = 120
BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError)


def make_field(installation, community, name, kind="number"):
    return installation.command_json("field", "create", "--community", community.id, "--name", name, "--type", kind)["_id"]


class Histories:
    def __init__(self, club):
        self.club = club
        self.base = f"/v1/communities/{club.community.id}"

    def add(self, member, amount=1, field="score"):
        body = {"customFields": [{"fieldIdorName": field, "op": "add", "value": amount}]}
        return self.club.api.request("PATCH", f"{self.base}/users/{member}/user-fields", json.dumps(body), {"Content-Type": "application/json"})

    def walk(self, path, limit=100, **query):
        """All items of a list, by cursor."""
        items, cursor = [], None
        words = "&".join(f"{k}={v}" for k, v in query.items())
        while True:
            answer = self.club.api.get(f"{self.base}{path}?limit={limit}&{words}" + (f"&cursor={cursor}" if cursor else ""))
            assert answer.status == 200, answer
            items += answer.json["data"]
            cursor = answer.json["meta"]["nextCursor"]
            if cursor is None:
                assert answer.json["meta"].get("total", len(items)) == len(items)
                return items

    def value(self, member, key="score"):
        answer = self.club.api.post("/v1/users/info", json.dumps({"idOrEmail": f"id:{member}"}), {"Content-Type": "application/json"})
        return answer.json["data"]["customFields"][key]


def short_ids(club):
    return [int(row["member_id"]) for row in club.installation.database().rows(
        f"SELECT member_id FROM memberships m JOIN accounts a ON a.account_id = m.member_id WHERE a.email_key <> 'owner@example.org' ORDER BY member_id")]


def assert_chain(items, value):
    """Oldest first: each begins where the one before it ended, and the last is the value."""
    before = None
    for item in items:
        assert item["previousValue"] == before
        before = item["value"]
    assert before == value
    assert [item["createdAt"] for item in items] == sorted(item["createdAt"] for item in items)


def score_file(rows):
    return ("Email,score,score_op\r\n" + "".join(f"{email(n)},{amount},add\r\n" for n, amount in rows)).encode()


def test_64_parallel_additions_are_64_items_in_one_chain(installation):
    club = open_club(installation, 2)
    field = make_field(installation, club.community, "score")
    histories, member = Histories(club), short_ids(club)[0]
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        assert {answer.status for answer in pool.map(lambda _: histories.add(member), range(64))} == {200}
    items = histories.walk(f"/users/{member}/user-fields/{field}/histories", sort="createdAt:asc")
    assert [item["value"] for item in items] == list(range(1, 65))
    assert_chain(items, 64)
    installation.assert_healthy()


def test_jobs_and_single_changes_mixed_leave_the_value_of_the_last_item(installation):
    club = open_club(installation, 20)
    field = make_field(installation, club.community, "score")
    histories, members = Histories(club), short_ids(club)
    stop = threading.Event()

    def change():
        done = 0
        for member in itertools.cycle(members):
            if stop.is_set():
                return done
            answer = histories.add(member)
            assert answer.status == 200, answer
            done += 1

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        changes = [pool.submit(change) for _ in range(4)]
        rows = [(n % 20 + 1, 1) for n in range(8_000)]
        jobs = [club.api.queue(UPDATE, score_file(rows)) for _ in range(2)]
        for job in jobs:
            assert club.api.wait_for_job(job, PATIENCE_S)["updated"] == 8_000
        club.api.post(f"{UPDATE}/{jobs[1]}/revert", json.dumps({"reason": "test"}), {"Content-Type": "application/json"})
        wait_until(lambda: club.api.job(jobs[1])["status"] == "reverted", PATIENCE_S, "the job is taken back")
        stop.set()
        single = sum(change.result() for change in changes)
    total = 0
    for member in members:
        items = histories.walk(f"/users/{member}/user-fields/{field}/histories", sort="createdAt:asc")
        assert_chain(items, histories.value(member))
        total += histories.value(member)
        assert len(items) == len({item["_id"] for item in items})
    assert total == single + 8_000
    everything = histories.walk(f"/user-fields/{field}/histories")
    assert len(everything) == single + 3 * 8_000
    assert len(histories.walk("/user-field-histories", fieldId=field, source="api")) == single
    installation.assert_healthy()


def test_kills_leave_values_and_items_in_step(installation):
    club = open_club(installation, 5)
    field = make_field(installation, club.community, "score")
    histories, members = Histories(club), short_ids(club)
    answered = dict.fromkeys(members, 0)
    for _ in range(3):
        stop = threading.Event()

        def change(member):
            while not stop.is_set():
                try:
                    if histories.add(member).status == 200:
                        answered[member] += 1
                except BROKEN:
                    return

        threads = [threading.Thread(target=change, args=(m,)) for m in members]
        job = club.api.queue(UPDATE, score_file([(n % 5 + 1, 1) for n in range(20_000)]))
        before = sum(answered.values())
        for t in threads:
            t.start()
        wait_until(lambda: sum(answered.values()) > before + 20, PATIENCE_S, "changes are answered")
        club.server.kill()
        stop.set()
        for t in threads:
            t.join()
        club.server = installation.start()
        club.api = club.server.api(club.key)
        assert club.api.wait_for_job(job, PATIENCE_S)["updated"] == 20_000
    for member in members:
        items = histories.walk(f"/users/{member}/user-fields/{field}/histories", sort="createdAt:asc")
        assert_chain(items, histories.value(member))
        single = [item for item in items if item["source"]["kind"] == "api"]
        # What was answered is there; of each kill one more may be.
        assert answered[member] <= len(single) <= answered[member] + 3
        assert len(items) - len(single) == 3 * 4_000
    installation.assert_healthy()


def test_old_items_go_at_the_start_of_a_server_that_missed_the_night(installation):
    club = open_club(installation, 3)
    field = make_field(installation, club.community, "score")
    histories, members = Histories(club), short_ids(club)
    for _ in range(5):
        for member in members:
            assert histories.add(member).status == 200
    club.server.stop()
    # As if all of it had been written 400 days earlier.
    database, shift = installation.database(), 400 * 86_400_000 << 22
    for table, columns in (("field_history", ("history_id", "previous_id")), ("field_values", ("history_id",)),
                           ("history_spans_of_fields", ("last_id", "first_id")), ("history_spans_of_members", ("last_id", "first_id"))):
        for column in columns:
            database.execute(f"UPDATE {table} SET {column} = {column} - {shift} WHERE {column} <> 0")
    database.execute("UPDATE bulk_jobs SET file_key = '', expires_at = 1")
    database.execute("UPDATE communities SET history_cut_at = 0")
    club.server = installation.start()
    club.api = club.server.api(club.key)
    wait_until(lambda: len(histories.walk(f"/user-fields/{field}/histories", skipTotal="true")) == len(members), PATIENCE_S, "old items are gone")
    assert [item["value"] for item in histories.walk(f"/user-fields/{field}/histories")] == [5] * len(members)
    assert histories.add(members[0]).json["data"]["customFields"]["score"] == 6
    installation.assert_healthy()


def test_settings_belong_to_people_and_not_to_keys(installation):
    club = open_club(installation, 1)
    path = f"/v1/communities/{club.community.id}/user-field-settings"
    assert club.api.get(path).status == 401
    assert club.api.request("PUT", path, json.dumps({"historyRetentionDays": 30, "confirm": True})).status == 401
    assert installation.database().rows("SELECT history_retention_days AS days FROM communities")[0]["days"] == 365
