"""The ledger over the real program: entries of keys and jobs in one list, taken back by people, through parallel requests and a kill."""

import concurrent.futures
import http.client
import json

from client import IMPORT, PREMIUM
from console_api_test import set_up
from files import email, members, premium
from harness import Community

ENTRIES = "/v1/ledger/entries"
BROKEN = (ConnectionError, http.client.HTTPException, TimeoutError)


def open_browser_club(installation, members_count):
    """A community with members, a signed-in owner and a key."""
    server = installation.start()
    browser, community = set_up(server)
    key = Community(installation, {"communityId": community, "systemKey": ""}).create_key()
    api = server.api(key)
    assert api.run(IMPORT, members(members_count))["created"] == members_count
    return server, browser, api, key


def adjust(api, who, amount, currency="coins", op="add"):
    answer = api.post("/v1/users/balances/adjust", json.dumps({"identifier": who, "currency": currency, "op": op, "amount": amount}))
    assert answer.status == 200, answer
    return answer.json["data"]["entry"]


def walk(api, **query):
    items, cursor = [], None
    words = "".join(f"&{name}={value}" for name, value in query.items())
    while True:
        answer = api.get(f"{ENTRIES}?limit=7{words}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer
        items += answer.json["data"]
        cursor = answer.json["pagination"]["nextCursor"]
        if cursor is None:
            return items


def assert_chain(items):
    """Newest first, of one balance: each goes on from the one before it."""
    after = 0
    for item in reversed(items):
        assert item["balanceAfter"] == after + item["amount"]
        after = item["balanceAfter"]


def test_entries_of_keys_jobs_and_people_are_one_list_that_adds_up(installation):
    server, browser, api, key = open_browser_club(installation, 3)
    made = [adjust(api, email(1), amount) for amount in (10, 5)]
    job = api.run(PREMIUM, premium([(email(1), "add", 7), (email(2), "add", 8)]))["_id"]
    user = made[0]["user"]["id"]
    assert [e["_id"] for e in walk(api, user_id=user, currency="coins")] == [made[1]["_id"], made[0]["_id"]]
    of_job = walk(api, sourceKind="bulk", user_id=user, currency="premium")
    assert [e["source"]["id"] for e in of_job] == [f"{job}:2"]

    def reverse(entry, note="typed in twice"):
        return browser.ask("POST", f"{ENTRIES}/{entry}/reverse", {"note": note})

    assert api.post(f"{ENTRIES}/{made[0]['_id']}/reverse", json.dumps({"note": "x"})).status == 401, "keys reverse nothing"
    assert reverse(of_job[0]["_id"]).code == "use_revert"
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: reverse(made[0]["_id"]), range(10)))
    assert sorted(a.status for a in answers) == [200] + [409] * 9
    assert {a.code for a in answers if a.status == 409} == {"already_reversed"}
    items = walk(api, user_id=user, currency="coins")
    assert [e["amount"] for e in items] == [-10, 5, 10]
    assert items[0]["reversalOf"] == made[0]["_id"] and items[2]["reversedBy"] == items[0]["_id"]
    assert_chain(items)
    everything = walk(api)
    assert [e["_id"] for e in everything] == sorted((e["_id"] for e in everything), key=lambda i: i[8:], reverse=True)
    assert "entry.reverse" in [row["action"] for row in browser.ask("GET", "/v1/audit-logs?limit=100").json["data"]]
    installation.assert_healthy()


def test_reversals_survive_a_kill_whole_or_not_at_all(installation):
    server, browser, api, key = open_browser_club(installation, 2)
    made = [adjust(api, email(1), 1)["_id"] for _ in range(200)]

    def reverse(entry):
        try:
            return browser.ask("POST", f"{ENTRIES}/{entry}/reverse", {"note": "x"}).status
        except BROKEN:
            return None

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pending = [pool.submit(reverse, entry) for entry in made]
        concurrent.futures.wait(pending[:50], return_when=concurrent.futures.ALL_COMPLETED)
        server.kill()
        done = [p.result() for p in pending]
    answered = {entry for entry, status in zip(made, done) if status == 200}
    assert len(answered) >= 50
    server = installation.start()
    api = server.api(key)
    items = walk(api, currency="coins")
    reversed_entries = {e["reversalOf"] for e in items if e["reversalOf"]}
    assert answered <= reversed_entries
    assert len([e for e in items if e["reversalOf"]]) == len(reversed_entries)
    assert_chain(items)
    installation.assert_healthy()
