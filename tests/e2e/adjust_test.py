"""Single changes of balances over the API, alone and beside bulk jobs on the same members."""

import concurrent.futures
import json

from client import PREMIUM
from conftest import open_club
from files import add_to_all, email

ADJUST = "/v1/users/balances/adjust"
BALANCES = "/v1/users/balances"
CLIENTS = 100
MEMBERS = 50
TIMES = 2_000


def change(who, op, amount, **more):
    return {"identifier": who, "currency": "premium", "op": op, "amount": amount, **more}


def adjust(api, body, idempotency_key=None):
    return api.post(ADJUST, json.dumps(body).encode(), {"Idempotency-Key": idempotency_key} if idempotency_key else None)


def balance(api, who):
    answer = api.post(BALANCES, json.dumps({"identifier": who}).encode())
    assert answer.status == 200, answer
    return {b["currency"]: b["balance"] for b in answer.json["data"]["balances"]}["premium"]


def test_a_hundred_callers_and_a_bulk_job_change_the_same_members_and_everything_adds_up(installation):
    club = open_club(installation, MEMBERS)
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))

    def caller(n):
        """One member is everybody's, one each caller's own; every tenth change is sent twice, some ask for too much."""
        done = 0
        for i in range(5):
            source = f"{n}-{i}"
            answers = [adjust(club.api, change(email(1), "add", 1, sourceId=source)) for _ in range(2 if i == 0 else 1)]
            assert [a.status for a in answers] == [200] * len(answers), answers
            assert [a.json["data"]["duplicate"] for a in answers] == [False, True][:len(answers)]
            both = {"items": [change(email(2 + n % (MEMBERS - 1)), "add", 2), change(email(1), "subtract", 10**9)]}
            assert adjust(club.api, both).code == "insufficient_balance"
            both["items"][1] = change(email(1), "add", 1)
            assert adjust(club.api, both, f"key-{source}").status == 200
            assert adjust(club.api, both, f"key-{source}").status == 200
            done += 1
        return done

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        changes = sum(pool.map(caller, range(CLIENTS)))
    done = club.api.wait_for_job(job, 120)
    assert (done["status"], done["updated"], done["failed"]) == ("completed", MEMBERS * TIMES, 0)

    callers = {n: 0 for n in range(2, MEMBERS + 1)}
    for n in range(CLIENTS):
        callers[2 + n % (MEMBERS - 1)] += 5
    expected = {email(1): TIMES + 2 * changes, **{email(n): TIMES + 2 * count for n, count in callers.items()}}
    assert installation.balances() == {who: amount * 1_000_000 for who, amount in expected.items()}
    assert balance(club.api, email(1)) == expected[email(1)]
    # The sum of the entries is the balance: the doctor says so.
    installation.assert_healthy()


def test_changes_are_there_after_a_kill(own_club):
    installation, api = own_club.installation, own_club.api
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: adjust(api, change(email(1), "add", 1, sourceId=str(n))), range(100)))
    assert {a.status for a in answers} == {200}
    own_club.server.kill()
    again = installation.start().api(own_club.key)
    assert balance(again, email(1)) == 100
    repeated = adjust(again, change(email(1), "add", 1, sourceId="7"))
    assert repeated.json["data"]["duplicate"] is True
    assert repeated.json["data"]["entry"] == answers[7].json["data"]["entry"]
    installation.assert_healthy()


def test_every_prefix_answers_and_every_permission_is_asked_for(club):
    for prefix in ("/v1", "/apis/v1", "/api/v1/apis/v1"):
        answer = club.api.post(prefix + "/users/balances", b'{"identifier":"member2"}')
        assert answer.status == 200, answer
        body = json.dumps(change("member2", "add", 0)).encode()
        assert club.api.post(prefix + "/users/balances/adjust", body).json["data"] == {"entry": None, "balance": 0, "duplicate": False}
    reader = club.server.api(club.community.create_key("getUserStats"))
    writer = club.server.api(club.community.create_key("bulkUpdateUser"))
    assert reader.post(BALANCES, b'{"identifier":"member2"}').status == 200
    assert adjust(writer, change("member2", "add", 0)).status == 200
    assert adjust(reader, change("member2", "add", 1)).code == "insufficient_permission"
    assert writer.post(BALANCES, b'{"identifier":"member2"}').code == "insufficient_permission"
    assert adjust(club.server.api(), change("member2", "add", 1)).status == 401
    other = club.installation.create_community("Other club")
    stranger = club.server.api(other.create_key())
    assert adjust(stranger, change("member2", "add", 1)).code == "user_not_found"
