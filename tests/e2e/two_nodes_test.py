"""Two servers on one PostgreSQL and one folder of uploads: one dies or stands still, the other goes on, nothing is doubled."""

import json
import signal
import time
import types

import pytest

from client import PREMIUM
from conftest import open_club
from files import add_to_all, email, premium
from harness import Installation, wait_until

MEMBERS = 100
TIMES = 2_500
ROWS = MEMBERS * TIMES
TAKE_OVER_S = 20
LEASE_S = 8


@pytest.fixture
def pair(tmp_path):
    installation = Installation(tmp_path, "postgres")
    club = open_club(installation, MEMBERS)
    second = installation.start()
    yield types.SimpleNamespace(installation=installation, community=club.community, key=club.key, servers=[club.server, second],
                                apis=[club.server.api(club.key), second.api(club.key)])
    installation.close()


def held_by(server):
    """Whether the server works on a job, by its own account."""
    for line in server.api().get("/metrics").body.decode().splitlines():
        if line.startswith("fealty_bulk_jobs_held "):
            return float(line.split()[1]) > 0
    raise AssertionError("no gauge of held jobs")


def start_job(pair):
    """A long job that has begun: its id, the number of the node that runs it, and of the other one."""
    job = pair.apis[0].queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))
    wait_until(lambda: pair.apis[0].job(job)["processed"] > 0, 30, "the job has begun")
    worker = wait_until(lambda: [n for n in (0, 1) if held_by(pair.servers[n])], 10, "a node holds the job")[0]
    return job, worker, 1 - worker


def assert_applied_once(pair, done):
    assert (done["status"], done["updated"], done["failed"]) == ("completed", ROWS, 0)
    assert pair.installation.balances() == {email(n): TIMES * 1_000_000 for n in range(1, MEMBERS + 1)}
    pair.installation.assert_healthy()


def test_a_job_of_a_killed_node_is_finished_by_the_other_within_twenty_seconds(pair):
    job, worker, other = start_job(pair)
    pair.servers[worker].kill()
    killed_at = time.monotonic()
    left_at = pair.apis[other].job(job)["processed"]
    assert left_at < ROWS, "the job was too short"
    wait_until(lambda: pair.apis[other].job(job)["processed"] > left_at, TAKE_OVER_S, "the other node goes on")
    done = pair.apis[other].wait_for_job(job, killed_at + TAKE_OVER_S - time.monotonic())
    assert_applied_once(pair, done)


def test_a_node_that_stood_still_past_its_lease_doubles_nothing_when_it_wakes(pair):
    job, worker, other = start_job(pair)
    stopped = pair.servers[worker]
    stopped.signal(signal.SIGSTOP)
    left_at = pair.apis[other].job(job)["processed"]
    assert left_at < ROWS, "the job was too short"
    wait_until(lambda: pair.apis[other].job(job)["processed"] > left_at, TAKE_OVER_S, "the other node goes on")
    stopped.signal(signal.SIGCONT)
    done = pair.apis[other].wait_for_job(job, TAKE_OVER_S)
    assert_applied_once(pair, done)
    # The woken node serves and works again, under a number that no other has.
    assert pair.apis[worker].job(job)["status"] == "completed"
    again = pair.apis[worker].run(PREMIUM, premium([(email(1), "add", 1)]))
    assert again["updated"] == 1
    pair.installation.assert_healthy()


def test_each_node_sees_what_the_other_takes_and_does(pair):
    jobs = [pair.apis[n % 2].queue(PREMIUM, premium([(email(1), "add", 1)]), fields={"log_name": f"{n}"}) for n in range(20)]
    for n, job in enumerate(jobs):
        assert pair.apis[(n + 1) % 2].wait_for_job(job)["log_name"] == str(n)
    assert pair.installation.balances()[email(1)] == 20_000_000
    listed = [api.get("/v1/users/bulk-update?limit=20").json["data"] for api in pair.apis]
    assert listed[0] == listed[1] and [job["_id"] for job in listed[0]] == jobs[::-1]


def test_jobs_of_one_community_keep_their_order_on_two_nodes(pair):
    jobs = [pair.apis[n % 2].queue(PREMIUM, premium([(email(1), "overwrite", n)] * 2_000)) for n in range(10)]
    done = [pair.apis[0].wait_for_job(job) for job in jobs]
    assert pair.installation.balances()[email(1)] == 9_000_000
    for earlier, later in zip(done, done[1:]):
        assert earlier["finishedAt"] <= later["startedAt"]


def test_a_revoked_key_is_refused_on_both_nodes_within_a_second(pair):
    key = pair.community.create_key()
    apis = [server.api(key) for server in pair.servers]
    for api in apis:
        assert api.get("/v1/users/bulk-update").status == 200
    pair.community.revoke(key)
    for api in apis:
        wait_until(lambda: api.get("/v1/users/bulk-update").status == 401, 1, "the key is refused")


def seconds_until_cut(stream, revoke):
    """How long a stream of events went on after what it lives by was taken away."""
    events = iter(stream)
    assert next(events)[1] == "status"
    revoke()
    began = time.monotonic()
    assert "end" not in [name for _, name, _ in events], "the job ended first"
    return time.monotonic() - began


def test_what_is_revoked_on_one_node_ends_open_streams_of_the_other(pair):
    first, second = pair.servers
    token = pair.installation.command_json("account", "claim-link", "--email", "owner@example.org")["token"]
    password = "correct horse-1"
    first.api().post("/auth/claim", json.dumps({"token": token, "password": password, "confirmPassword": password}))
    sign_in = lambda server: json.loads(server.api().post("/auth/login", json.dumps({"email": "owner@example.org", "password": password})).body)
    # The jobs of a community run one after the other: the last one has not ended for long, however fast the machine is.
    upload = add_to_all(MEMBERS, times=4 * TIMES)
    job = [pair.apis[0].queue(PREMIUM, upload) for _ in range(5)][-1]
    key = pair.community.create_key()
    assert seconds_until_cut(second.api(key).events(job), lambda: pair.community.revoke(key)) < 3
    owner = sign_in(first)["body"]["token"]
    logout = lambda: first.api(owner).post("/auth/logout", json.dumps({}))
    assert seconds_until_cut(second.api(owner).events(job), logout) < 3
    owner = sign_in(second)["body"]["token"]
    disable = lambda: pair.installation.command("account", "disable", "--email", "owner@example.org")
    assert seconds_until_cut(second.api(owner).events(job), disable) < 3


def test_a_repeat_that_comes_to_the_other_node_makes_no_second_job(pair):
    headers = {"Idempotency-Key": "once"}
    answers = [api.upload(PREMIUM, premium([(email(1), "add", 1)]), headers=headers) for api in pair.apis]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].json["data"]["id"] == answers[1].json["data"]["id"]
    pair.apis[0].wait_for_job(answers[0].json["data"]["id"])
    assert pair.installation.balances() == {email(1): 1_000_000}
    assert pair.installation.files_match_jobs()


def test_a_node_that_stops_in_peace_leaves_its_job_to_the_other_at_once(pair):
    job, worker, other = start_job(pair)
    assert pair.servers[worker].stop() == 0
    left_at = pair.apis[other].job(job)["processed"]
    assert left_at < ROWS, "the job was too short"
    wait_until(lambda: pair.apis[other].job(job)["processed"] > left_at, LEASE_S / 2, "the other node goes on before the lease would end")
    assert_applied_once(pair, pair.apis[other].wait_for_job(job))
