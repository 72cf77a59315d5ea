"""`fealty bulk` against answers that a healthy server seldom gives: busy, breaking off, redirecting, reverting with conflicts."""

import hashlib
import json
import subprocess
import time

import pytest

from client import PREMIUM, UPDATE
from fake_server import FakeServer, error, job, success
from harness import binary, clean_environment

JOB, REVERSAL = "66b0c0ffee0000000000a101", "66b0c0ffee0000000000a202"
STATUS, DETAILS, RESULTS = f"GET {UPDATE}/{JOB}/status", f"GET {UPDATE}/{JOB}/details", f"GET {UPDATE}/{JOB}/results"
CSV = b"\xef\xbb\xbfEmail,Coins,Coins_op,status,error_code,error_message\r\n" + b"ana@example.org,5,add,failed,user_not_found,No member.\r\n" * 5_000
QUEUED = success({"message": "queued", "id": JOB, "status_url": "", "rows": 2, "dry_run": False, "duplicate_of": None})


@pytest.fixture
def fake():
    made = []

    def make(answers, **more):
        made.append(FakeServer(answers, **more))
        return made[-1]

    yield make
    for server in made:
        server.close()


def bulk(server, *arguments, data=None, timeout=60, **more):
    env = clean_environment({"FEALTY_SERVER": server.url, "FEALTY_API_KEY": "fk_SecretKey", **more})
    source = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    done = subprocess.run([binary(), "bulk", *arguments], capture_output=True, timeout=timeout, env=env, **source)
    assert b"SecretKey" not in done.stdout + done.stderr
    return done


def upload(server, tmp_path, *options, **more):
    path = tmp_path / "rows.csv"
    path.write_bytes(b"Email,Premium Currency,Premium Currency_op\n" + b"ana@example.org,1,add\n" * 2)
    return bulk(server, "upload", str(path), "--kind", "premium", *options, **more)


def then(*answers):
    """One answer after another; the last one again and again."""
    return lambda request, number: answers[min(number, len(answers) - 1)]


def always(answer):
    return then(answer)


def without_boundary(request):
    boundary = request.headers["Content-Type"].split("boundary=")[1].encode()
    return request.body.replace(boundary, b"")


# ---- Uploads that are tried again -------------------------------------------------------------------------------------

TRIED_AGAIN = {
    "too many uploads": error(429, "too_many_uploads", headers={"Retry-After": "1"}),
    "a server that stops": error(503, "shutting_down", headers={"Retry-After": "1"}),
    "a proxy without its server": (502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
    "the first try is still under way": error(409, "request_in_progress"),
    "a connection that breaks before the answer": FakeServer.BREAK_OFF,
    "an answer that breaks off": (*QUEUED, 20),
}


@pytest.mark.parametrize("name", TRIED_AGAIN)
def test_an_upload_is_tried_again_as_the_same_request(fake, tmp_path, name):
    server = fake({f"POST {PREMIUM}": then(TRIED_AGAIN[name], TRIED_AGAIN[name], QUEUED), STATUS: always(success(job(JOB)))})
    began = time.monotonic()
    done = upload(server, tmp_path)
    assert done.returncode == 0 and b"completed: 2 rows" in done.stdout, done
    posts = server.requests("POST")
    assert len(posts) == 3 and len({p.headers["Idempotency-Key"] for p in posts}) == 1 and len(posts[0].headers["Idempotency-Key"]) >= 22
    assert len({without_boundary(p) for p in posts}) == 1 and b"ana@example.org,1,add\n" * 2 in posts[0].body
    assert {p.headers["Authorization"] for p in posts} == {"Bearer fk_SecretKey"}
    if "Retry-After" in TRIED_AGAIN[name][1]:
        assert time.monotonic() - began >= 2, "Retry-After is obeyed"
    assert b"trying again" in done.stderr and b"It goes on" in done.stderr


def test_two_uploads_have_two_keys(fake, tmp_path):
    server = fake({f"POST {PREMIUM}": always(QUEUED)})
    assert [upload(server, tmp_path, "--no-wait").returncode for _ in range(2)] == [0, 0]
    assert len({p.headers["Idempotency-Key"] for p in server.requests("POST")}) == 2
    assert upload(server, tmp_path, "--no-wait", "--idempotency-key", "mine").returncode == 0
    assert server.requests("POST")[-1].headers["Idempotency-Key"] == "mine"


def test_a_server_that_asks_for_more_patience_than_there_is_ends_it_at_once(fake, tmp_path):
    server = fake({f"POST {PREMIUM}": always(error(429, "too_many_jobs", "100 jobs wait.", headers={"Retry-After": "900"}))})
    done = upload(server, tmp_path)
    assert (done.returncode, len(server.seen)) == (3, 1)
    assert b"429 too_many_jobs" in done.stderr and b"come back in 900 s" in done.stderr and b"--timeout" in done.stderr


def test_a_busy_server_is_given_up_after_the_time(fake, tmp_path):
    server = fake({f"POST {PREMIUM}": always(error(503, "overloaded"))})
    done = upload(server, tmp_path, "--timeout", "1")
    assert done.returncode == 4 and b"503 overloaded" in done.stderr and b"Given up after trying for 1 s" in done.stderr, done
    assert len(server.seen) >= 3


@pytest.mark.parametrize("status, code", [(400, "invalid_header"), (401, "unauthorized"), (409, "idempotency_key_reused"), (413, "file_too_large"), (500, "internal_error")])
def test_what_would_be_refused_again_is_not_tried_again(fake, tmp_path, status, code):
    server = fake({f"POST {PREMIUM}": always(error(status, code, "That is wrong."))})
    done = upload(server, tmp_path)
    assert (done.returncode, len(server.seen)) == (4 if status == 500 else 3, 1)
    assert f"{status} {code}".encode() in done.stderr and b"That is wrong." in done.stderr and b"Request id: req-7" in done.stderr


def test_standard_input_is_sent_again_when_it_was_refused_unread(fake):
    server = fake({f"POST {PREMIUM}": then(error(429, "too_many_uploads", headers={"Retry-After": "1"}), QUEUED), STATUS: always(success(job(JOB)))},
                  refuse_early={(f"POST {PREMIUM}", 0)})
    done = bulk(server, "upload", "-", "--kind", "premium", data=b"Email,Premium Currency,Premium Currency_op\nana@example.org,1,add\n")
    assert done.returncode == 0, done
    first, second = server.requests("POST")
    assert first.body == b"" and b"ana@example.org,1,add" in second.body and second.headers["Expect"] == "100-continue"


def test_standard_input_that_is_gone_is_said_with_the_key_to_repeat_it(fake):
    server = fake({f"POST {PREMIUM}": always(FakeServer.BREAK_OFF)})
    done = bulk(server, "upload", "-", "--kind", "premium", data=b"Email,Premium Currency,Premium Currency_op\nana@example.org,1,add\n")
    assert (done.returncode, len(server.seen)) == (4, 1), done
    key = server.seen[0].headers["Idempotency-Key"]
    assert b"cannot be sent a second time" in done.stderr and f"--idempotency-key {key}".encode() in done.stderr and b"fealty bulk list" in done.stderr


def test_redirects_are_not_followed_and_no_key_goes_elsewhere(fake, tmp_path):
    other = fake({f"POST {PREMIUM}": always(QUEUED), STATUS: always(success(job(JOB)))})
    for status in (301, 302, 307, 308):
        server = fake({f"POST {PREMIUM}": always((status, {"Location": other.url + PREMIUM}, b"")),
                       STATUS: always((status, {"Location": f"{other.url}{UPDATE}/{JOB}/status"}, b""))})
        for done in (upload(server, tmp_path), bulk(server, "status", JOB)):
            assert done.returncode == 3 and other.url.encode() in done.stderr and b"not followed" in done.stderr, done
    assert other.seen == []


def test_a_proxy_of_the_environment_never_sees_what_is_for_this_machine(fake):
    proxy, server = fake({}), fake({STATUS: always(success(job(JOB)))})
    assert bulk(server, "status", JOB, http_proxy=proxy.url, all_proxy=proxy.url, ALL_PROXY=proxy.url).returncode == 0
    assert proxy.seen == []


# ---- Watching ---------------------------------------------------------------------------------------------------------


def test_watching_goes_on_over_failures_of_the_server(fake):
    server = fake({STATUS: then(success(job(JOB, "queued", processed=0, queue_position=2)), FakeServer.BREAK_OFF, error(500, "internal_error"),
                                (502, {}, b"<html>"), success(job(JOB, "processing", processed=1)), success(job(JOB)))})
    done = bulk(server, "watch", JOB)
    assert done.returncode == 0 and b"completed: 2 rows" in done.stdout, done
    assert b"queued, 1 before it" in done.stderr


@pytest.mark.parametrize("status, members, exit_status", [
    ("completed", {}, 0), ("completed", {"failed": 1, "success": 1, "updated": 1}, 1), ("cancelled", {"not_processed": 1}, 5),
    ("failed", {"error": {"code": "too_many_errors", "message": "2 rows failed; 1 was allowed."}}, 5), ("reverted", {"reverted_rows": 2}, 0),
    ("reverted", {"reverted_rows": 1, "conflicts": 1}, 1)])
def test_the_exit_status_is_the_end_of_the_job(fake, status, members, exit_status):
    done = bulk(fake({STATUS: always(success(job(JOB, status, **members)))}), "watch", JOB)
    assert done.returncode == exit_status, done
    if "error" in members:
        assert b"2 rows failed; 1 was allowed. (too_many_errors)" in done.stdout


def test_what_is_no_answer_of_fealty_is_said_to_be_that(fake):
    for answer in ((200, {}, b"<html>Welcome</html>"), success({"hello": 1}), success(None), (200, {}, b"")):
        done = bulk(fake({STATUS: always(answer)}), "status", JOB)
        assert done.returncode == 4 and done.stdout == b"" and b"answer" in done.stderr, done


def test_an_endless_answer_is_given_up(fake):
    server = fake({STATUS: always((200, {}, b" " * (17 * 1024 * 1024)))})
    done = bulk(server, "status", JOB)
    assert done.returncode == 4 and b"larger than 16 MiB" in done.stderr and len(server.seen) == 1, done


def test_escape_sequences_of_a_server_do_not_reach_the_terminal(fake):
    hostile = job(JOB, log_name="\x1b]0;owned\x07", failed=1)
    details = success({"rows": [{"row": 2, "key": "\x1b[2J", "errors": [{"column": None, "code": "x", "message": "\x9b31m"}]}]})
    server = fake({STATUS: always(success(hostile)), DETAILS: always(details), f"GET {UPDATE}": always(success([hostile]))})
    for arguments in (["status", JOB], ["watch", JOB], ["list"]):
        done = bulk(server, *arguments)
        assert not set(done.stdout.decode() + done.stderr.decode()) & {"\x1b", "\x07", "\x9b"}, done


# ---- Reverting --------------------------------------------------------------------------------------------------------

REVERT, REVERSAL_STATUS = f"POST {UPDATE}/{JOB}/revert", f"GET {UPDATE}/{REVERSAL}/status"
REVERT_QUEUED = success({"id": REVERSAL, "revert_of": JOB, "status_url": ""})


def test_a_revert_watches_the_reversing_job(fake):
    server = fake({REVERT: then(FakeServer.BREAK_OFF, REVERT_QUEUED),
                   REVERSAL_STATUS: then(success(job(REVERSAL, "processing", type="revert", processed=1)), success(job(REVERSAL, type="revert")))})
    done = bulk(server, "revert", JOB, "--reason", 'wrong "month"')
    assert done.returncode == 0 and f"Reversing job {REVERSAL} completed".encode() in done.stdout, done
    first, second = server.requests("POST")
    assert json.loads(second.body) == {"reason": 'wrong "month"', "dry_run": False}
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] and second.headers["Content-Type"] == "application/json"


def test_a_revert_with_conflicts_exits_with_one_and_names_them(fake):
    conflict = {"row": 7, "key": "ana@example.org", "status": "failed", "errors": [{"column": "Coins", "code": "insufficient_balance", "message": "Coins is 2."}]}
    server = fake({REVERT: always(REVERT_QUEUED), f"GET {UPDATE}/{REVERSAL}/details": always(success({"rows": [conflict]})),
                   REVERSAL_STATUS: always(success(job(REVERSAL, type="revert", success=1, updated=1, failed=1, conflicts=1)))})
    done = bulk(server, "revert", JOB, "--reason", "wrong month")
    assert done.returncode == 1 and b"1 conflict" in done.stdout and b"row 7, ana@example.org: Coins is 2. (insufficient_balance)" in done.stdout, done


def test_a_revert_can_be_tried_dry_and_left_alone(fake):
    server = fake({REVERT: always(REVERT_QUEUED)})
    done = bulk(server, "revert", JOB, "--reason", "look first", "--dry-run", "--no-wait", "--quiet")
    assert (done.returncode, done.stdout) == (0, REVERSAL.encode() + b"\n")
    assert json.loads(server.seen[0].body)["dry_run"] is True


@pytest.mark.parametrize("status, code", [(409, "nothing_to_revert"), (409, "job_not_finished"), (409, "already_reverting"), (404, "results_expired")])
def test_a_revert_that_cannot_be_is_refused(fake, status, code):
    done = bulk(fake({REVERT: always(error(status, code))}), "revert", JOB, "--reason", "x")
    assert done.returncode == 3 and code.encode() in done.stderr


# ---- Files ------------------------------------------------------------------------------------------------------------


def ranges(content, break_after=(), tag=None):
    """Serves parts of the content; answer number n breaks off after break_after[n] bytes."""

    def answer(request, number):
        headers = {"Content-Type": "text/csv; charset=utf-8", **({"ETag": tag} if tag else {})}
        first, status, part = 0, 200, content
        if asked := request.headers.get("Range"):
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= len(content):
                return 416, {"Content-Range": f"bytes */{len(content)}"}, b""
            status, part = 206, content[first:]
            headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
        return (status, headers, part, break_after[number]) if number < len(break_after) else (status, headers, part)

    return answer


def test_results_are_saved_whole_and_for_their_owner_alone(fake, tmp_path):
    server = fake({RESULTS: ranges(CSV)})
    (tmp_path / "rows.csv").write_bytes(b"old")
    done = bulk(server, "results", JOB, "--status", "failed,not_processed", "--output", str(tmp_path / "rows.csv"))
    assert done.returncode == 0 and (tmp_path / "rows.csv").read_bytes() == CSV, done
    assert server.seen[0].path.endswith("/results?status=failed%2Cnot_processed") and "Accept-Encoding" not in server.seen[0].headers
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"] and (tmp_path / "rows.csv").stat().st_mode & 0o777 == 0o600
    piped = bulk(server, "results", JOB)
    assert (piped.returncode, piped.stdout) == (0, CSV)


@pytest.mark.parametrize("output", ["file", "-"])
@pytest.mark.parametrize("tag", [None, '"v1"', 'W/"v1"'])
def test_a_download_that_breaks_goes_on_where_it_broke(fake, tmp_path, output, tag):
    server = fake({RESULTS: ranges(CSV, break_after=(1_000, 0, 70_000, 1), tag=tag)})
    target = str(tmp_path / "rows.csv") if output == "file" else "-"
    done = bulk(server, "results", JOB, "--output", target)
    got = (tmp_path / "rows.csv").read_bytes() if output == "file" else done.stdout
    assert done.returncode == 0 and hashlib.sha256(got).digest() == hashlib.sha256(CSV).digest(), done.stderr
    asked = [s.headers.get("Range") for s in server.seen]
    assert asked == [None, "bytes=1000-", "bytes=1000-", "bytes=71000-", "bytes=71001-"]
    assert {s.headers.get("If-Range") for s in server.seen[1:]} == {'"v1"' if tag == '"v1"' else None}


@pytest.mark.parametrize("output", ["file", "-"])
def test_a_server_that_knows_no_ranges_is_read_again_from_the_start(fake, tmp_path, output):
    server = fake({RESULTS: then((200, {}, CSV, 50_000), (200, {}, CSV, 20_000), (200, {}, CSV))})
    target = str(tmp_path / "rows.csv") if output == "file" else "-"
    done = bulk(server, "results", JOB, "--output", target)
    assert done.returncode == 0 and ((tmp_path / "rows.csv").read_bytes() if output == "file" else done.stdout) == CSV, done.stderr


def test_other_bytes_than_before_are_never_mixed(fake, tmp_path):
    new = CSV.replace(b"ana", b"bob")
    answers = then((200, {"ETag": '"v1"'}, CSV, 50_000), (200, {"ETag": '"v2"'}, new))
    done = bulk(fake({RESULTS: answers}), "results", JOB, "--output", str(tmp_path / "rows.csv"))
    assert done.returncode == 0 and (tmp_path / "rows.csv").read_bytes() == new, done
    piped = bulk(fake({RESULTS: answers}), "results", JOB)
    assert piped.returncode == 4 and len(piped.stdout) == 50_000 and b"not complete" in piped.stderr


def test_a_break_behind_the_last_byte_is_the_end(fake, tmp_path):
    def answer(request, number):
        if "Range" in request.headers:
            return 416, {"Content-Range": f"bytes */{len(CSV)}"}, b""
        body = b"%x\r\n" % len(CSV) + CSV + b"\r\n0\r\n\r\n"
        return 200, {"Transfer-Encoding": "chunked"}, body, len(body) - 5

    done = bulk(fake({RESULTS: answer}), "results", JOB, "--output", str(tmp_path / "rows.csv"))
    assert done.returncode == 0 and (tmp_path / "rows.csv").read_bytes() == CSV, done


def test_a_download_that_does_not_come_to_its_end_leaves_nothing(fake, tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"old")
    server = fake({RESULTS: ranges(CSV, break_after=(1_000,) + (0,) * 1_000)})
    done = bulk(server, "results", JOB, "--output", str(tmp_path / "rows.csv"), "--timeout", "1")
    assert done.returncode == 4 and [p.name for p in tmp_path.iterdir()] == ["rows.csv"] and (tmp_path / "rows.csv").read_bytes() == b"old", done
    for status, code in ((404, "results_expired"), (409, "job_not_finished")):
        refused = bulk(fake({RESULTS: always(error(status, code))}), "results", JOB, "--output", str(tmp_path / "new.csv"))
        assert refused.returncode == 3 and code.encode() in refused.stderr and not list(tmp_path.glob("new*"))
    nowhere = bulk(server, "results", JOB, "--output", str(tmp_path / "none" / "rows.csv"))
    assert nowhere.returncode == 2 and b"cannot be opened" in nowhere.stderr


def test_a_full_or_closed_output_is_an_error(fake):
    server = fake({RESULTS: ranges(CSV)})
    full = bulk(server, "results", JOB, "--output", "/dev/full")
    assert full.returncode == 2 and b"/dev/full cannot be written: No space left" in full.stderr
    env = clean_environment({"FEALTY_SERVER": server.url, "FEALTY_API_KEY": "fk_SecretKey"})
    process = subprocess.Popen([binary(), "bulk", "results", JOB], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    process.stdout.close()
    assert b"Standard output cannot be written" in process.stderr.read() and process.wait(timeout=30) == 2


def test_the_source_is_saved_as_it_was_uploaded(fake, tmp_path):
    content = bytes(range(256)) * 1_000
    server = fake({f"GET {UPDATE}/{JOB}/source": ranges(content)})
    done = bulk(server, "source", JOB, "--output", str(tmp_path / "source.csv"))
    assert done.returncode == 0 and (tmp_path / "source.csv").read_bytes() == content
    assert done.stdout == b"" and b"256.0 kB" in done.stderr


def test_files_are_erased_only_with_yes(fake):
    path = f"DELETE {UPDATE}/{JOB}/files"
    server = fake({path: always(success(None))})
    assert bulk(server, "erase", JOB).returncode == 2 and server.seen == []
    done = bulk(server, "erase", JOB, "--yes")
    assert done.returncode == 0 and b"are erased" in done.stdout and len(server.requests("DELETE", "/files")) == 1
    assert bulk(fake({path: always(error(404, "results_expired"))}), "erase", JOB, "--yes").returncode == 3
    # The first try was heard and only its answer lost: then the files are gone.
    assert bulk(fake({path: then(FakeServer.BREAK_OFF, error(404, "results_expired"))}), "erase", JOB, "--yes").returncode == 0
