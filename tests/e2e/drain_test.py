"""SIGTERM loses nothing, and too much at once is answered, not left hanging."""

import concurrent.futures
import http.client
import signal
import socket
import threading
import time

import pytest

from client import IMPORT, PREMIUM, SlowUpload
from conftest import open_club
from files import add_to_all, email, members, premium
from harness import wait_until, wait_until_uploads

MEMBERS, TIMES = 100, 12_000
ROWS = MEMBERS * TIMES


def test_a_server_that_is_told_to_stop_ends_uploads_and_stops_jobs_between_chunks(installation):
    club = open_club(installation, MEMBERS)
    job = club.api.queue(PREMIUM, add_to_all(MEMBERS, times=TIMES))
    upload = SlowUpload(club.api, premium([(email(1), "add", 7)]))
    wait_until_uploads(installation, 1)
    wait_until(lambda: club.api.job(job)["processed"] > 0, 30, "the job has begun")
    kept_alive = club.api.connect()
    kept_alive.request("GET", "/health/live")
    kept_alive.getresponse().read()

    club.server.signal(signal.SIGTERM)
    wait_until(lambda: "server.stopping" in club.server.log(), 10, "the server stops")
    status, answer = upload.finish()
    assert status == 200, answer
    assert club.server.process.wait(timeout=30) == 0
    assert "server.stopped" in club.server.log()

    restarted = installation.start()
    api = restarted.api(club.key)
    before = api.job(job)["processed"]
    assert 0 < before < ROWS
    assert api.wait_for_job(job)["updated"] == ROWS
    assert api.wait_for_job(answer["data"]["id"])["updated"] == 1
    assert installation.balances() == {email(n): (TIMES + (7 if n == 1 else 0)) * 1_000_000 for n in range(1, MEMBERS + 1)}
    installation.assert_healthy()
    assert installation.files_match_jobs()


def test_readiness_says_that_the_server_stops(installation):
    club = open_club(installation)
    upload = SlowUpload(club.api, premium([(email(1), "add", 1)]))
    wait_until_uploads(installation, 1)
    # On a connection whose request has begun: idle ones are closed, and new ones are not taken any more.
    probe = socket.create_connection((club.api.url.hostname, club.api.url.port), timeout=10)
    probe.sendall(b"GET /health/ready HTTP/1.1\r\n")
    # Sent later on a second connection, so the server has read the first one's bytes when this is answered.
    assert club.api.get("/health/ready").body == b"ready\n"
    club.server.signal(signal.SIGTERM)
    wait_until(lambda: "server.stopping" in club.server.log(), 10, "the server stops")
    probe.sendall(b"Host: probe\r\n\r\n")
    answer = http.client.HTTPResponse(probe)
    answer.begin()
    assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (503, True)
    probe.close()
    with pytest.raises(ConnectionError):
        club.api.get("/health/ready")
    assert upload.finish()[0] == 200
    assert club.server.process.wait(timeout=30) == 0


def test_an_upload_that_does_not_end_is_given_up_after_the_grace_and_leaves_nothing(installation):
    club = open_club(installation, 5, "--shutdown-grace-ms", "500")
    jobs, files = installation.jobs(), installation.upload_files()
    upload = SlowUpload(club.api, add_to_all(5, times=1_000))
    wait_until_uploads(installation, 1)
    began = time.monotonic()
    assert club.server.stop() == 0
    assert time.monotonic() - began < 15
    upload.connection.close()
    assert (installation.jobs(), installation.upload_files()) == (jobs, files)


def test_a_second_signal_does_not_wait(installation):
    club = open_club(installation)
    upload = SlowUpload(club.api, premium([(email(1), "add", 1)]))
    wait_until_uploads(installation, 1)
    club.server.signal(signal.SIGTERM)
    wait_until(lambda: "server.stopping" in club.server.log(), 10, "the server stops")
    club.server.signal(signal.SIGTERM)
    assert club.server.process.wait(timeout=5) == 1
    upload.connection.close()
    installation.start()
    installation.assert_healthy()


def test_more_uploads_than_allowed_are_told_when_to_come_back(installation):
    club = open_club(installation, 5, "--bulk-uploads-community-max", "2", "--bulk-uploads-node-max", "3")
    other = installation.create_community("Other club")
    strangers = club.server.api(other.create_key())
    assert strangers.run(IMPORT, members(1, first=901))["created"] == 1
    slow = [SlowUpload(club.api, premium([(email(1), "add", 1)])) for _ in range(2)]
    wait_until_uploads(installation, 2)
    third = club.api.upload(PREMIUM, premium([(email(1), "add", 1)]))
    assert (third.status, third.code) == (429, "too_many_uploads"), third
    assert int(third.headers["Retry-After"]) > 0 and "2 uploads" in third.json["message"]
    slow.append(SlowUpload(strangers, premium([(email(901), "add", 1)])))
    wait_until_uploads(installation, 3)
    for api in (club.api, strangers):
        full = api.upload(PREMIUM, premium([(email(1), "add", 1)]))
        assert full.status in (429, 503) and int(full.headers["Retry-After"]) > 0, full
    # What is no upload is served all the while.
    assert club.api.get("/v1/users/bulk-update").status == 200
    assert [upload.finish()[0] for upload in slow] == [200, 200, 200]
    wait_until_uploads(installation, 0)
    assert installation.files_match_jobs()


def test_a_storm_of_clients_is_answered_to_the_last(installation):
    club = open_club(installation, 5, "--request-threads", "1")
    stop = threading.Event()
    statuses = []

    def hammer(n):
        while not stop.is_set():
            answer = club.api.get("/v1/users/bulk-update") if n % 4 else club.api.upload(PREMIUM, premium([(email(1), "add", 1)]))
            assert answer.status in (200, 429, 503), answer
            assert answer.status == 200 or int(answer.headers["Retry-After"]) > 0
            statuses.append(answer.status)

    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        futures = [pool.submit(hammer, n) for n in range(64)]
        time.sleep(2)
        stop.set()
        for future in futures:
            future.result(timeout=30)
    assert statuses.count(200) > 64
    assert club.api.get("/health/ready").status == 200
    wait_until(lambda: not [j for j in installation.jobs() if j["status"] not in ("completed",)], 60, "all jobs have ended")
    taken = len(installation.jobs()) - 1
    assert installation.balances() == {email(1): taken * 1_000_000}
    installation.assert_healthy()
