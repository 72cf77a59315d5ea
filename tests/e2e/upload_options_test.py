"""What goes with a file: the form around it, its encoding on the way, the options of the job."""

import concurrent.futures
import gzip
import json
import subprocess
import urllib.parse

import pytest

from client import IMPORT, PREMIUM, UPDATE, multipart
from files import HEADER, add_to_all, email, premium

A, B = email(1), email(2)
ONE_ROW = premium([(A, "add", 1)])


def balance(club, who=A):
    return club.installation.balances().get(who, 0)


def test_fields_may_come_before_and_after_the_file(club):
    done = club.api.run(PREMIUM, ONE_ROW, fields={"log_name": "before"}, fields_after={"dry_run": "true", "max_errors": "7", "unknown": "ignored"})
    assert (done["log_name"], done["dry_run"], done["max_errors"], done["silent"]) == ("before", True, 7, True)


def test_a_form_without_line_end_at_its_end_and_with_odd_part_headers_is_read(club):
    body = (b'preamble is ignored\r\n--B=_1\r\ncontent-type: application/vnd.ms-excel\r\nCONTENT-DISPOSITION: form-data; filename="C:\\\\Temp\\\\m\xc3\xa4rz.csv"; name=data'
            b"\r\nX-Other: 1\r\n\r\n" + ONE_ROW + b"\r\n--B=_1--")
    answer = club.api.post(PREMIUM, body, {"Content-Type": 'Multipart/Form-Data; boundary="B=_1"'})
    assert answer.status == 200, answer
    assert club.api.wait_for_job(answer.json["data"]["id"])["updated"] == 1


def test_a_compressed_form_and_a_compressed_body_are_unpacked(club):
    before = balance(club)
    body, content_type = multipart(ONE_ROW)
    form = club.api.post(PREMIUM, gzip.compress(body), {"Content-Type": content_type, "Content-Encoding": "gzip"})
    raw = club.api.post(PREMIUM + "?log_name=raw%20body", gzip.compress(ONE_ROW), {"Content-Type": "text/csv; charset=utf-8", "Content-Encoding": "GZIP"})
    for answer in (form, raw):
        assert answer.status == 200, answer
        assert club.api.wait_for_job(answer.json["data"]["id"])["file"]["size"] == len(ONE_ROW)
    assert balance(club) == before + 2_000_000


def test_a_plain_csv_body_takes_its_options_from_the_query(club):
    query = urllib.parse.urlencode({"log_name": "märz / 3", "dry_run": "1", "max_errors": "0"})
    answer = club.api.post(f"{PREMIUM}?{query}", ONE_ROW, {"Content-Type": "text/csv"})
    assert (answer.status, answer.json["data"]["dry_run"]) == (200, True), answer
    done = club.api.wait_for_job(answer.json["data"]["id"])
    assert (done["log_name"], done["max_errors"], done["file"]["name"]) == ("märz / 3", 0, "")


def test_a_body_in_chunks_is_read(club):
    answer = club.api.request("POST", PREMIUM, (piece for piece in (ONE_ROW[:10], ONE_ROW[10:])), {"Content-Type": "text/csv"})
    assert answer.status == 200, answer
    assert club.api.wait_for_job(answer.json["data"]["id"])["updated"] == 1


def test_curl_that_asks_before_it_sends_is_told_to_go_on(club, tmp_path):
    # curl asks with Expect: 100-continue for bodies over 1 MiB.
    (tmp_path / "file.csv").write_bytes(premium((A, "add", 1) for _ in range(60_000)))
    done = subprocess.run(["curl", "--silent", "--show-error", "--http1.1", "--verbose", "--request", "POST", club.server.url + PREMIUM, "--header",
                           f"Authorization: Bearer {club.key.text}", "--header", "Expect: 100-continue", "--form", "data=@file.csv"],
                          capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.stderr.index("< HTTP/1.1 100 Continue") < done.stderr.index("< HTTP/1.1 200 OK")
    assert club.api.wait_for_job(json.loads(done.stdout)["data"]["id"])["updated"] == 60_000


def test_curl_that_asks_before_it_sends_is_refused_before_it_sends(club, tmp_path):
    (tmp_path / "file.csv").write_bytes(ONE_ROW * 30_000)
    done = subprocess.run(["curl", "--silent", "--show-error", "--http1.1", "--verbose", "--request", "POST", club.server.url + PREMIUM, "--header",
                           "Authorization: Bearer wrong", "--header", "Expect: 100-continue", "--form", "data=@file.csv", "--write-out", "%{stderr}sent=%{size_upload}"],
                          capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert json.loads(done.stdout)["code"] == "unauthorized"
    assert "100 Continue" not in done.stderr and "sent=0" in done.stderr


# name: (fields, code, field)
WRONG_FIELDS = {
    "dry_run is a word": ({"dry_run": "yes"}, "invalid_form_field", "dry_run"),
    "silent is a number": ({"silent": "2"}, "invalid_form_field", "silent"),
    "stop_on_error is in capitals": ({"stop_on_error": "TRUE"}, "invalid_form_field", "stop_on_error"),
    "max_errors is negative": ({"max_errors": "-1"}, "invalid_form_field", "max_errors"),
    "max_errors is too large": ({"max_errors": "10000001"}, "invalid_form_field", "max_errors"),
    "max_errors is no number": ({"max_errors": "1e3"}, "invalid_form_field", "max_errors"),
    "log_name is too long": ({"log_name": "x" * 201}, "invalid_form_field", "log_name"),
    "log_name has two lines": ({"log_name": "a\nb"}, "invalid_form_field", "log_name"),
}


@pytest.mark.parametrize("after", [False, True], ids=["before the file", "after the file"])
@pytest.mark.parametrize("name", WRONG_FIELDS)
def test_a_wrong_field_refuses_the_upload(club, name, after):
    fields, code, field = WRONG_FIELDS[name]
    jobs, files = club.installation.jobs(), club.installation.upload_files()
    answer = club.api.upload(PREMIUM, ONE_ROW, **{"fields_after" if after else "fields": fields})
    assert (answer.status, answer.code) == (400, code), answer
    assert [error["field"] for error in answer.json["errors"]] == [field]
    assert (club.installation.jobs(), club.installation.upload_files()) == (jobs, files)


def test_all_wrong_fields_are_named_together(club):
    answer = club.api.upload(PREMIUM, ONE_ROW, fields={"dry_run": "x"}, fields_after={"max_errors": "y"})
    assert sorted(error["field"] for error in answer.json["errors"]) == ["dry_run", "max_errors"]


def test_a_form_without_the_file_or_with_two_is_refused(club):
    none = club.api.upload(PREMIUM, None, fields={"log_name": "x"})
    assert (none.status, none.code) == (400, "missing_file"), none
    body, content_type = multipart(ONE_ROW)
    part = body[:body.rindex(b"--form")]
    two = club.api.post(PREMIUM, part + body, {"Content-Type": content_type})
    assert (two.status, two.code) == (400, "duplicate_field"), two
    assert club.installation.files_match_jobs()


def test_a_form_that_breaks_off_is_refused(club):
    body, content_type = multipart(ONE_ROW)
    answer = club.api.post(PREMIUM, body[:-10], {"Content-Type": content_type})
    assert (answer.status, answer.code) == (400, "invalid_form"), answer
    assert club.installation.files_match_jobs()


@pytest.mark.parametrize("headers, body, status, code", [
    ({"Content-Type": "text/csv", "Content-Encoding": "br"}, ONE_ROW, 415, "unsupported_media_type"),
    ({"Content-Type": "application/json"}, b"{}", 415, "unsupported_media_type"),
    ({}, ONE_ROW, 415, "unsupported_media_type"),
    ({"Content-Type": "text/csv", "Content-Encoding": "gzip"}, gzip.compress(ONE_ROW)[:-4], 400, "invalid_gzip"),
    ({"Content-Type": "text/csv", "Content-Encoding": "gzip"}, ONE_ROW, 400, "invalid_gzip"),
    ({"Content-Type": "text/csv", "Content-Encoding": "gzip"}, gzip.compress(HEADER.encode() + b"\n" * 30_000_000), 400, "compression_ratio"),
    ({"Content-Type": "multipart/form-data"}, ONE_ROW, 400, "invalid_form"),
], ids=["brotli", "json", "no type", "gzip cut off", "not gzip", "a gzip bomb", "no boundary"])
def test_a_body_that_cannot_be_read_is_refused(club, headers, body, status, code):
    answer = club.api.post(PREMIUM, body, headers)
    assert (answer.status, answer.code) == (status, code), answer
    assert club.installation.files_match_jobs()


def test_a_file_that_says_it_is_too_large_is_refused_before_it_is_sent(club):
    connection = club.api.connect()
    connection.putrequest("POST", PREMIUM)
    for name, value in {**club.api.headers(), "Content-Type": "text/csv", "Content-Length": str(600 << 20)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    assert (answer.status, body["code"]) == (413, "file_too_large")
    assert (body["errors"][0]["limit"], "512 MiB" in body["message"]) == (512 << 20, True), body
    assert club.installation.files_match_jobs()


def test_the_same_idempotency_key_replays_the_first_answer(club):
    before = balance(club)
    key = {"Idempotency-Key": "top-up 1"}
    first = club.api.upload(PREMIUM, ONE_ROW, fields={"log_name": "replayed"}, headers=key)
    again = club.api.upload(PREMIUM, ONE_ROW, fields_after={"log_name": "replayed"}, headers=key)
    assert first.status == again.status == 200
    assert again.json["data"]["id"] == first.json["data"]["id"]
    assert again.json["data"] == first.json["data"]
    club.api.wait_for_job(first.json["data"]["id"])
    assert balance(club) == before + 1_000_000
    for changed in ({"data": premium([(A, "add", 2)]), "fields": {"log_name": "replayed"}}, {"data": ONE_ROW, "fields": {"log_name": "other"}}):
        other = club.api.upload(PREMIUM, headers=key, **changed)
        assert (other.status, other.code) == (409, "idempotency_key_reused"), other
    assert club.installation.files_match_jobs()


def test_a_refused_upload_does_not_use_its_idempotency_key_up(club):
    key = {"Idempotency-Key": "top-up 2"}
    assert club.api.upload(PREMIUM, b"Email\n", headers=key).status == 400
    assert club.api.run(PREMIUM, ONE_ROW, headers=key)["updated"] == 1


def test_the_same_idempotency_key_ten_times_at_once_makes_one_job(club):
    before = balance(club)

    def send(_):
        return club.api.upload(PREMIUM, ONE_ROW, headers={"Idempotency-Key": "top-up 3"})

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    assert {answer.status for answer in answers} <= {200, 409, 429}, answers
    assert {answer.code for answer in answers if answer.status == 409} <= {"request_in_progress"}
    jobs = {answer.json["data"]["id"] for answer in answers if answer.status == 200}
    assert len(jobs) == 1
    club.api.wait_for_job(jobs.pop())
    assert balance(club) == before + 1_000_000


def test_a_repeated_upload_is_pointed_at_its_twin(club):
    data = premium([(A, "add", 3)])
    first = club.api.upload(PREMIUM, data, fields={"log_name": "twin"}).json["data"]
    second = club.api.upload(PREMIUM, data, fields={"log_name": "twin"}).json["data"]
    other = club.api.upload(PREMIUM, data, fields={"log_name": "no twin"}).json["data"]
    assert (first["duplicate_of"], second["duplicate_of"], other["duplicate_of"]) == (None, first["id"], None)
    club.api.wait_for_job(other["id"])


def test_a_dry_run_foretells_every_row_and_writes_nothing(club):
    club.api.run(PREMIUM, premium([(A, "overwrite", 10), (B, "overwrite", 10)]))
    before = club.installation.balances()
    entries = club.installation.database().rows("SELECT count(*) AS n FROM ledger_entries")
    data = premium([(A, "subtract", 8), (A, "subtract", 8), (B, "overwrite", 10), ("nobody@example.org", "add", 1), (B, "Add", 1)])
    foretold = club.api.run(PREMIUM, data, fields={"dry_run": "true"})
    assert club.installation.balances() == before
    assert club.installation.database().rows("SELECT count(*) AS n FROM ledger_entries") == entries
    done = club.api.run(PREMIUM, data)

    def outcomes(job):
        return [(r["row"], r["status"], r["errors"]) for r in club.api.details(job["_id"])["rows"]]

    assert outcomes(foretold) == outcomes(done)
    assert [status for _, status, _ in outcomes(done)] == ["updated", "failed", "unchanged", "failed", "failed"]
    assert [code for _, code in club.api.row_errors(done["_id"])] == ["insufficient_balance", "user_not_found", "invalid_operator"]
    assert club.installation.balances()[A] == 2_000_000


@pytest.mark.parametrize("fields, failed", [({"stop_on_error": "true"}, 1), ({"max_errors": "0"}, 1), ({"max_errors": "1"}, 2),
                                            ({"max_errors": "5", "stop_on_error": "1"}, 1)])
def test_a_job_stops_at_the_row_that_is_one_error_too_many(club, fields, failed):
    before = balance(club)
    rows = [(A, "add", 1)] * 3 + [("nobody@example.org", "add", 1), (A, "add", 1), ("nobody@example.org", "add", 1), (A, "add", 1)]
    done = club.api.run(PREMIUM, premium(rows), fields=fields)
    applied = 3 if failed == 1 else 4
    assert (done["status"], done["error"]["code"]) == ("failed", "too_many_errors")
    assert (done["updated"], done["failed"], done["not_processed"]) == (applied, failed, 7 - applied - failed)
    assert balance(club) == before + applied * 1_000_000
    statuses = [row["status"] for row in club.api.details(done["_id"])["rows"]]
    assert statuses[applied + failed:] == ["not_processed"] * (7 - applied - failed)


def test_a_job_can_be_cancelled_while_it_waits_and_while_it_runs(club):
    before = balance(club)
    running = club.api.queue(PREMIUM, premium((A, "add", 1) for _ in range(400_000)))
    waiting = club.api.queue(PREMIUM, add_to_all(1, 1_000))
    cancelled = club.api.post(f"{UPDATE}/{waiting}/cancel")
    assert (cancelled.status, cancelled.json["data"]["status"]) == (200, "cancelled"), cancelled
    assert club.api.post(f"{UPDATE}/{running}/cancel").status == 200
    done = club.api.wait_for_job(running)
    assert done["status"] == "cancelled" and done["updated"] < 400_000
    assert done["updated"] + done["not_processed"] == 400_000
    assert balance(club) == before + done["updated"] * 1_000_000
    for job in (running, waiting):
        assert club.api.post(f"{UPDATE}/{job}/cancel").status == 200
    finished = club.api.run(PREMIUM, ONE_ROW)
    late = club.api.post(f"{UPDATE}/{finished['_id']}/cancel")
    assert (late.status, late.code) == (409, "job_finished")


@pytest.mark.parametrize("name, path", [("update", UPDATE), ("premium", PREMIUM), ("import", IMPORT)])
def test_a_template_with_rows_added_is_accepted(club, name, path):
    template = club.api.get(f"{UPDATE}/templates/{name}")
    assert (template.status, template.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert template.body.startswith(b"\xef\xbb\xbf") and template.body.endswith(b"\r\n") and template.body.count(b"\n") == 1
    columns = template.body.decode("utf-8-sig").strip().split(",")
    cells = {"Email": A, "Premium Currency": "1", "Premium Currency_op": "add", "First Name": "Ana"}
    row = ",".join(cells.get(column, "") for column in columns)
    done = club.api.run(path, template.body + row.encode() + b"\r\n")
    assert (done["status"], done["success"], done["failed"]) == ("completed", 1, 0), club.api.row_errors(done["_id"])
    example = club.api.get(f"{UPDATE}/templates/{name}?example=true").body
    assert example.startswith(template.body) and b"ana@example.org" in example
    assert club.api.upload(path, example, fields={"dry_run": "true"}).status == 200


def test_there_are_three_templates(club):
    answer = club.api.get(f"{UPDATE}/templates/other")
    assert (answer.status, answer.code) == (404, "template_not_found")
