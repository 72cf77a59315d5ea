"""The uploaded file given back, erased early, and removed after its time, with the real server."""

import gzip
import hashlib

from client import PREMIUM, UPDATE
from conftest import open_club
from files import add_to_all, email, premium
from harness import wait_until

ROWS = 5_000


def source(job):
    return f"{UPDATE}/{job}/source"


def number_of(job):
    """The number under which a job is stored."""
    return int(job[8:], 16)


def finished(club, data, **options):
    """A job that has ended: its id."""
    status = club.api.run(PREMIUM, data, **options)
    assert status["status"] == "completed", status
    return status["_id"]


def failing_rows(count):
    """Rows that are all refused: each is kept with its errors."""
    return premium((f"nobody{n}@example.org", "add", 1) for n in range(count))


def test_the_file_comes_back_as_it_was_uploaded(club):
    data = add_to_all(5, times=ROWS)
    job = club.api.queue(PREMIUM, data, file_name="März \"2026\".csv")
    answer = club.api.get(source(job))
    assert (answer.status, answer.body) == (200, data)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Content-Length"] == str(len(data))
    assert answer.headers["ETag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="')
    assert "filename*=UTF-8''M%C3%A4rz" in answer.headers["Content-Disposition"]
    # A gzip upload comes back unpacked.
    packed = club.api.request("POST", PREMIUM, gzip.compress(data), {"Content-Type": "text/csv", "Content-Encoding": "gzip"})
    assert packed.status == 200, packed
    assert club.api.get(source(packed.json["data"]["id"])).body == data


def test_the_file_comes_packed_for_those_that_ask(club):
    data = add_to_all(5, times=ROWS)
    job = club.api.queue(PREMIUM, data)
    answer = club.api.get(source(job), {"Accept-Encoding": "gzip, deflate"})
    assert (answer.status, answer.headers["Content-Encoding"], answer.headers["Vary"]) == (200, "gzip", "Accept-Encoding")
    assert answer.headers["ETag"] != club.api.get(source(job)).headers["ETag"]
    assert len(answer.body) < len(data) / 10
    assert gzip.decompress(answer.body) == data
    plain = club.api.get(source(job), {"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in plain.headers and plain.body == data


def test_an_interrupted_download_goes_on(club):
    data = add_to_all(5, times=ROWS)
    job = club.api.queue(PREMIUM, data)
    whole = club.api.get(source(job))
    tag = whole.headers["ETag"]
    half = len(data) // 2
    rest = club.api.get(source(job), {"Range": f"bytes={half}-", "If-Range": tag, "Accept-Encoding": "gzip"})
    assert (rest.status, rest.headers["Content-Range"]) == (206, f"bytes {half}-{len(data) - 1}/{len(data)}")
    assert data[:half] + rest.body == data
    assert club.api.get(source(job), {"Range": "bytes=-10"}).body == data[-10:]
    assert club.api.get(source(job), {"Range": "bytes=0-0"}).body == data[:1]
    other = club.api.get(source(job), {"Range": f"bytes={half}-", "If-Range": '"other"'})
    assert (other.status, other.body) == (200, data)
    beyond = club.api.get(source(job), {"Range": f"bytes={len(data)}-"})
    assert (beyond.status, beyond.headers["Content-Range"], beyond.code) == (416, f"bytes */{len(data)}", "range_not_satisfiable")
    several = club.api.get(source(job), {"Range": "bytes=0-1,5-6"})
    assert (several.status, several.body) == (200, data)
    head = club.api.request("HEAD", source(job), headers={"Range": "bytes=0-1"})
    assert (head.status, head.headers["Content-Length"], head.headers["Accept-Ranges"]) == (200, str(len(data)), "bytes")
    # Many parts on one connection.
    connection = club.api.connect()
    parts = b""
    step = len(data) // 20 + 1
    for begin in range(0, len(data), step):
        connection.request("GET", source(job), headers={**club.api.headers(), "Range": f"bytes={begin}-{begin + step - 1}"})
        answer = connection.getresponse()
        assert answer.status == 206
        parts += answer.read()
    assert parts == data
    connection.close()


def test_files_are_for_their_community_and_permission_alone(club):
    job = finished(club, premium([(email(1), "add", 1)]))
    other = club.installation.create_community("Other club")
    stranger = club.server.api(other.create_key())
    weak = club.server.api(club.community.create_key("getUserData"))
    for method, path in (("GET", source(job)), ("DELETE", f"{UPDATE}/{job}/files")):
        answer = stranger.request(method, path)
        assert (answer.status, answer.code) == (404, "job_not_found")
        assert weak.request(method, path).status == 401
        assert club.server.api().request(method, path).status == 401
    assert club.api.get(source(job)).status == 200


def test_erased_files_are_gone_at_once_and_the_summary_stays(installation):
    club = open_club(installation)
    job = finished(club, failing_rows(ROWS))
    kept = finished(club, premium([(email(1), "add", 1)]))
    before = club.api.job(job)
    answer = club.api.request("DELETE", f"{UPDATE}/{job}/files")
    assert answer.status == 200, answer
    assert answer.json["data"]["failed"] == ROWS
    for path in (source(job), f"{UPDATE}/{job}/details"):
        gone = club.api.get(path)
        assert (gone.status, gone.code) == (404, "results_expired")
    after = club.api.job(job)
    assert after["expiresAt"] < before["expiresAt"]
    assert {k: v for k, v in after.items() if k not in ("expiresAt", "updatedAt")} == {
        k: v for k, v in before.items() if k not in ("expiresAt", "updatedAt")}
    left = installation.database().rows(f"SELECT count(*) AS n FROM bulk_rows WHERE job_id = {number_of(job)}")
    assert left == [{"n": 0}]
    assert installation.files_match_jobs() and len(installation.upload_files()) == 2
    assert club.api.get(source(kept)).status == 200
    assert club.api.request("DELETE", f"{UPDATE}/{job}/files").status == 200, "repeating it is fine"
    audit = installation.database().rows(f"SELECT actor_type FROM audit_entries WHERE action = 'bulk.erase' AND target = '{job}'")
    assert audit == [{"actor_type": "community_key"}]
    installation.assert_healthy()


def test_files_of_an_open_job_are_not_erased(installation):
    club = open_club(installation)
    job = club.api.queue(PREMIUM, add_to_all(5, times=40_000))
    answer = club.api.request("DELETE", f"{UPDATE}/{job}/files")
    assert (answer.status, answer.code) == (409, "job_not_finished")
    assert club.api.wait_for_job(job)["updated"] == 200_000


def test_files_are_removed_after_their_days_and_the_balances_stay(installation):
    club = open_club(installation)
    installation.command("community", "set", "--community", club.community.id, "--file-retention-days", "3")
    old, young = finished(club, premium([(email(1), "add", 5)])), finished(club, failing_rows(3))
    status = club.api.job(old)
    assert status["expiresAt"][:10] > status["finishedAt"][:10]
    balances = installation.balances()
    assert club.server.stop() == 0
    installation.database().execute(f"UPDATE bulk_jobs SET expires_at = 1000 WHERE job_id = {number_of(old)}")
    api = installation.start().api(club.key)
    gone = api.get(source(old))
    assert (gone.status, gone.code) == (404, "results_expired")
    wait_until(lambda: [j for j in installation.jobs() if int(j["job_id"]) == number_of(old)][0]["file_key"] == "", 20, "the files are erased")
    assert installation.files_match_jobs()
    assert api.job(old)["updated"] == 1
    assert api.get(source(young)).status == 200
    assert len(api.details(young)["rows"]) == 3
    assert installation.balances() == balances
    installation.assert_healthy()


def test_the_days_that_files_are_kept_are_bounded(installation):
    community = installation.create_community()
    for days in ("0", "366", "x"):
        done = installation.command("community", "set", "--community", community.id, "--file-retention-days", days, check=False)
        assert done.returncode != 0
    installation.command("community", "set", "--community", community.id, "--file-retention-days", "365")
    assert installation.database().rows("SELECT file_retention_days AS days FROM communities") == [{"days": 365}]


def test_a_slow_download_takes_no_memory_and_a_lost_one_no_thread(installation):
    club = open_club(installation, 5, "--request-threads", "2")
    data = add_to_all(5, times=300_000)
    job = club.api.queue(PREMIUM, data)
    club.api.wait_for_job(job, 300)
    before = club.server.memory_kib()
    slow = []
    for _ in range(20):
        connection = club.api.connect()
        connection.request("GET", source(job), headers=club.api.headers())
        answer = connection.getresponse()
        assert answer.read(10) == data[:10]
        slow.append((connection, answer))
    assert club.api.get(f"{UPDATE}/{job}/status").status == 200, "no thread is held"
    assert club.server.memory_kib() - before < 20 * 1024, "about a piece for each"
    for connection, answer in slow[1:]:
        connection.close()
    connection, answer = slow[0]
    assert data[10:] == answer.read()
    connection.close()
