"""Memory stays flat whatever the file: anonymous memory over idle, sampled while the server takes a file and works on it."""

import http.client
import json
import threading
import time

import pytest

from client import PREMIUM, UPDATE
from conftest import open_club
from files import HEADER, email

MIB = 1024
OVER_IDLE_KIB_MAX = 64 * MIB
MEMBERS = 1_000
PATIENCE_S = 900


class Peak(threading.Thread):
    """The highest value of the server's anonymous memory, looked at 100 times a second."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server = server
        self.idle_kib = server.memory_kib()
        self.highest_kib = self.idle_kib
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.01):
            self.highest_kib = max(self.highest_kib, self.server.memory_kib())

    def over_idle_kib(self):
        self.ended.set()
        self.join()
        return self.highest_kib - self.idle_kib


def narrow_rows(count):
    """A premium-currency file in pieces: every member in turn gets 1."""
    yield (HEADER + "\n").encode()
    for first in range(0, count, 1_000):
        yield "".join(f"{email(n % MEMBERS + 1)},1,add\n" for n in range(first, min(count, first + 1_000))).encode()


def wide_rows(megabytes):
    """Mostly columns that are ignored: 2 KB a row, of letters that are not all ASCII."""
    notes = "".join(f"#note {n}," for n in range(10))
    yield f"{notes}{HEADER}\n".encode()
    filler = ("é" + "abcdefghi" * 22 + ",") * 10
    for n in range(megabytes * 1_000_000 // (len(filler.encode()) + 40)):
        yield f"{filler}{email(n % MEMBERS + 1)},1,add\n".encode()


def one_cell(megabytes):
    """A quote that never closes."""
    yield (f"#note,{HEADER}\n\"").encode()
    for _ in range(megabytes):
        yield b"x" * 999_999 + b"\n"


def stream(api, pieces, query=""):
    """Uploads pieces as a chunked body, without the whole ever being in this process either."""
    connection = api.connect()
    headers = {**api.headers(), "Content-Type": "text/csv", "Transfer-Encoding": "chunked"}
    try:
        connection.request("POST", PREMIUM + query, pieces, headers, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        pass  # a refusal comes before the body has ended
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def assert_flat(installation, pieces, rows=None):
    club = open_club(installation, MEMBERS)
    peak = Peak(club.server)
    began = time.monotonic()
    status, body = stream(club.api, pieces)
    assert status == 200, body
    uploaded = time.monotonic()
    done = club.api.wait_for_job(body["data"]["id"], PATIENCE_S)
    over = peak.over_idle_kib()
    print(f"{done['total']} rows, {done['file']['size'] >> 20} MiB: upload {uploaded - began:.1f} s, job {time.monotonic() - uploaded:.1f} s, "
          f"idle {peak.idle_kib // MIB} MiB, peak {over // MIB} MiB over it")
    assert (done["status"], done["updated"]) == ("completed", rows or done["total"])
    assert over <= OVER_IDLE_KIB_MAX
    assert sum(installation.balances().values()) == done["updated"] * 1_000_000
    for page in (1, done["total"] // 500):
        assert len(club.api.details(done["_id"], page=page, limit=500)["rows"]) == 500
    return club, done


def test_memory_is_flat_for_a_hundred_thousand_rows(installation):
    assert_flat(installation, narrow_rows(100_000), 100_000)


def test_memory_is_flat_for_a_file_of_forty_megabytes(installation):
    assert_flat(installation, wide_rows(40))


@pytest.mark.slow
def test_memory_is_flat_for_a_million_rows(installation):
    club, _ = assert_flat(installation, narrow_rows(1_000_000), 1_000_000)
    club.installation.assert_healthy()


@pytest.mark.slow
def test_memory_is_flat_for_a_file_of_four_hundred_megabytes(installation):
    club, _ = assert_flat(installation, wide_rows(400))
    club.installation.assert_healthy()


@pytest.mark.parametrize("query", ["", "?dry_run=true"], ids=["real run", "dry run"])
def test_memory_is_flat_when_every_row_is_refused(installation, query):
    club = open_club(installation, MEMBERS)
    peak = Peak(club.server)
    pieces = [(HEADER + "\n").encode()] + [f"nobody@example.org,1e3,Add,too,many\n{email(1)},-1,subtract\n".encode() * 1_000] * 50
    status, body = stream(club.api, pieces, query)
    assert status == 200, body
    done = club.api.wait_for_job(body["data"]["id"], PATIENCE_S)
    assert (done["status"], done["failed"]) == ("completed", 100_000)
    assert len(club.api.details(done["_id"], status="failed", limit=500)["rows"]) == 500
    assert peak.over_idle_kib() <= OVER_IDLE_KIB_MAX


def test_memory_is_flat_for_a_dry_run(installation):
    club = open_club(installation, MEMBERS)
    peak = Peak(club.server)
    status, body = stream(club.api, narrow_rows(100_000), "?dry_run=true")
    assert status == 200, body
    assert club.api.wait_for_job(body["data"]["id"], PATIENCE_S)["updated"] == 100_000
    assert peak.over_idle_kib() <= OVER_IDLE_KIB_MAX
    assert installation.balances() == {}


def test_memory_is_flat_for_a_quote_that_never_closes(installation):
    club = open_club(installation, MEMBERS)
    peak = Peak(club.server)
    status, body = stream(club.api, one_cell(30))
    assert (status, body["code"]) == (400, "cell_too_long"), body
    assert body["errors"][0]["line"] == 2
    assert peak.over_idle_kib() <= OVER_IDLE_KIB_MAX
    assert installation.files_match_jobs()


def test_memory_is_flat_for_uploads_that_stand_still(installation):
    club = open_club(installation, MEMBERS, "--bulk-uploads-community-max", "16")
    peak = Peak(club.server)
    connections = []
    for _ in range(16):
        connection = club.api.connect()
        connection.putrequest("POST", PREMIUM)
        for name, value in {**club.api.headers(), "Content-Type": "text/csv", "Content-Length": str(400 << 20)}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send((HEADER + "\n").encode() + f"{email(1)},1,add\n".encode() * 50_000)
        connections.append(connection)
    assert club.api.get(UPDATE).status == 200
    refused = club.api.post(PREMIUM, b"", {"Content-Type": "text/csv"})
    assert refused.status in (429, 503)
    assert peak.over_idle_kib() <= OVER_IDLE_KIB_MAX
    for connection in connections:
        connection.close()


def test_a_client_that_breaks_off_costs_no_memory(installation):
    club = open_club(installation, MEMBERS)
    for _ in range(5):
        stream_and_leave(club.api)
    peak = Peak(club.server)
    for _ in range(50):
        stream_and_leave(club.api)
    assert peak.over_idle_kib() <= 16 * MIB


def stream_and_leave(api):
    connection = http.client.HTTPConnection(api.url.hostname, api.url.port, timeout=20)
    connection.putrequest("POST", PREMIUM)
    for name, value in {**api.headers(), "Content-Type": "text/csv", "Content-Length": "100000000"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send((HEADER + "\n").encode() + f"{email(1)},1,add\n".encode() * 20_000)
    connection.close()
