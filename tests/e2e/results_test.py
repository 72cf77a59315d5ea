"""The results file: every row with its outcome, in parts, packed, picked; and the way back into the program."""

import csv
import gzip
import io
import random
import time

import pytest

from client import IMPORT, PREMIUM, UPDATE
from conftest import open_club
from files import HEADER, email, members, premium
from memory_test import OVER_IDLE_KIB_MAX, PATIENCE_S, Peak, narrow_rows, stream

MEMBERS = 200


def results(api, job, query="", headers=None):
    return api.get(f"{UPDATE}/{job}/results{query}", headers)


def rows_of(answer, delimiter=","):
    """The header and the rows, read by another CSV reader than our own."""
    assert answer.body.startswith(b"\xef\xbb\xbf"), answer.body[:100]
    header, *rows = csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    return header, rows


def outcomes(answer, columns=3):
    return [tuple(row[columns:columns + 2]) for row in rows_of(answer)[1]]


def model_file(count, seed):
    """Rows of every kind with what becomes of each: balances are kept as the program has to keep them."""
    dice = random.Random(seed)
    balances, lines, expected = {}, [], []
    for n in range(count):
        who = dice.randrange(1, MEMBERS + 1)
        kind = dice.randrange(20)
        value = dice.randrange(1, 50)
        if kind == 0:
            lines.append((f"nobody{n}@example.org", value, "add"))
            expected.append(("failed", "user_not_found"))
        elif kind == 1:
            lines.append((email(who), value, "Add"))
            expected.append(("failed", "invalid_operator"))
        elif kind == 2:
            lines.append((email(who), f"{value},5", "add"))
            expected.append(("failed", "not_a_number"))
        elif kind == 3:
            lines.append((email(who), 0, "add"))
            expected.append(("unchanged", ""))
        elif kind < 8:
            lines.append((email(who), value, "subtract"))
            if balances.get(who, 0) < value:
                expected.append(("failed", "insufficient_balance"))
            else:
                balances[who] -= value
                expected.append(("updated", ""))
        else:
            lines.append((email(who), value, "add"))
            balances[who] = balances.get(who, 0) + value
            expected.append(("updated", ""))
    return lines, expected


def as_csv(lines):
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER.split(","))
    writer.writerows(lines)
    return text.getvalue().encode()


def test_every_row_of_a_large_job_has_its_outcome_whole_packed_in_parts_and_picked(installation):
    club = open_club(installation, MEMBERS)
    lines, expected = model_file(300_000, 7)
    done = club.api.run(PREMIUM, as_csv(lines), PATIENCE_S, fields={"log_name": "large"})
    assert done["status"] == "completed", done
    job = done["_id"]
    assert done["results_url"] == f"{UPDATE}/{job}/results"

    peak = Peak(club.server)
    began = time.monotonic()
    whole = results(club.api, job)
    took_s = time.monotonic() - began
    assert whole.status == 200
    assert whole.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert whole.headers["Content-Disposition"] == 'attachment; filename="large-results.csv"'
    header, rows = rows_of(whole)
    print(f"{len(rows) / took_s:,.0f} rows/s, {peak.over_idle_kib()} KiB over idle")
    assert header == HEADER.split(",") + ["status", "error_code", "error_message"]
    assert [tuple(row[:3]) for row in rows] == [tuple(str(cell) for cell in line) for line in lines]
    assert [tuple(row[3:5]) for row in rows] == expected
    assert all((row[5] != "") == (row[3] == "failed") for row in rows)

    packed = results(club.api, job, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == whole.body
    tag = whole.headers["ETag"]
    for first, last in ((0, 0), (100, 250_000), (len(whole.body) - 10, len(whole.body) - 1)):
        part = results(club.api, job, headers={"Range": f"bytes={first}-{last}", "If-Range": tag})
        assert part.status == 206 and part.body == whole.body[first:last + 1]
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole.body)}"
    assert results(club.api, job, headers={"If-None-Match": tag}).status == 304
    for query, wanted in (("failed", {"failed"}), ("success", {"updated", "unchanged", "created"}), ("unchanged,failed", {"unchanged", "failed"})):
        assert outcomes(results(club.api, job, f"?status={query}")) == [e for e in expected if e[0] in wanted]
    assert results(club.api, job, "?status=wrong").code == "invalid_request"


def test_a_download_that_broke_off_goes_on_at_its_place(installation):
    club = open_club(installation, 20)
    done = club.api.run(PREMIUM, premium((email(n % 20 + 1), "add", 1) for n in range(20_000)))
    club.server.stop()
    club.server = club.installation.start()
    club.api = club.server.api(club.key)
    rest = results(club.api, done["_id"], headers={"Range": "bytes=300000-"})
    whole = results(club.api, done["_id"])
    assert rest.status == 206 and rest.body == whole.body[300_000:]


def test_failed_rows_put_right_are_the_only_ones_applied(own_club):
    api = own_club.api
    first = api.run(PREMIUM, premium([(email(1), "add", 10), (email(2), "Add", 20), ("nobody@example.org", "add", 5), (email(3), "add", "1e3")]))
    assert (first["success"], first["failed"]) == (1, 3)
    assert own_club.installation.balances() == {email(1): 10_000_000}
    header, rows = rows_of(results(api, first["_id"], "?status=failed"))
    assert [row[4] for row in rows] == ["invalid_operator", "user_not_found", "not_a_number"]
    rows[0][2], rows[1][0], rows[2][1] = "add", email(2), "3"
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    second = api.run(PREMIUM, text.getvalue().encode())
    assert (second["status"], second["success"], second["failed"]) == ("completed", 3, 0)
    assert own_club.installation.balances() == {email(1): 10_000_000, email(2): 25_000_000, email(3): 3_000_000}
    # The file of the second job has no result of the first one.
    header, rows = rows_of(results(api, second["_id"]))
    assert header == HEADER.split(",") + ["status", "error_code", "error_message"]
    assert [row[3:] for row in rows] == [["updated", "", ""]] * 3


def test_a_results_file_uploaded_again_means_the_same(own_club):
    api = own_club.api
    text = ("First Name;Phone;Email;#note\n"
            f"'=1+1;+65 6123 4567;{email(1)};=2+2\n"
            f"<clear>;'+1 (2) 345-6;{email(2)};@x\n"
            f"'<clear>;;{email(3)};-5\n"
            f"\"'@a\";12345;{email(4)};'-\n").encode()
    first = api.run(UPDATE, text)
    assert first["failed"] + first["success"] == 4, first
    answer = results(api, first["_id"])
    header, rows = rows_of(answer, ";")
    assert header == ["First Name", "Phone", "Email", "#note", "status", "error_code", "error_message"]
    assert [row[:4] for row in rows] == [["'=1+1", "'+65 6123 4567", email(1), "'=2+2"], ["<clear>", "'+1 (2) 345-6", email(2), "'@x"],
                                         ["'<clear>", "", email(3), "'-5"], ["'@a", "12345", email(4), "'-"]]
    again = api.run(UPDATE, answer.body)
    assert (again["updated"], again["unchanged"], again["failed"]) == (0, first["success"], first["failed"])
    assert results(api, again["_id"]).body.replace(b"unchanged", b"updated") == answer.body


@pytest.mark.parametrize("name,path", [("update", UPDATE), ("premium", PREMIUM), ("import", IMPORT)])
def test_a_template_with_a_row_is_taken_and_comes_back(own_club, name, path):
    api = own_club.api
    template = api.get(f"{UPDATE}/templates/{name}").body
    header = template.decode("utf-8-sig").strip().split(",")
    row = {"Email": email(1), "First Name": "Ana", "Last Name": "Silva", "Phone": "+65 6123 4567", "XP": "1", "XP_op": "add", "Coins": "2",
           "Coins_op": "add", "Premium Currency": "3", "Premium Currency_op": "add"}
    text = io.StringIO()
    csv.writer(text).writerow([row.get(column, "") for column in header])
    done = api.run(path, template + text.getvalue().encode())
    assert (done["status"], done["updated"], done["failed"]) == ("completed", 1, 0), api.row_errors(done["_id"])
    back, rows = rows_of(results(api, done["_id"]))
    assert back == header + ["status", "error_code", "error_message"]
    given = dict(zip(back, rows[0]))
    assert given["status"] == "updated" and given.get("Phone", "'+65 6123 4567") == "'+65 6123 4567"


def test_rows_that_were_not_reached_are_given_with_their_reason(own_club):
    api = own_club.api
    done = api.run(PREMIUM, premium([(email(1), "add", 1), (email(2), "bad", 1), (email(3), "add", 1)]), fields={"stop_on_error": "true"})
    assert done["status"] == "failed"
    header, rows = rows_of(results(api, done["_id"], "?status=failed,not_processed"))
    codes = [row[4] for row in rows]
    assert "invalid_operator" in codes and set(codes) <= {"invalid_operator", "job_stopped"}
    assert len(rows) == done["failed"] + done["not_processed"]


def test_results_are_for_the_keys_of_their_community(own_club):
    done = own_club.api.run(PREMIUM, premium([(email(1), "add", 1)]))
    other = own_club.server.api(own_club.installation.create_community("Other club").create_key())
    assert results(other, done["_id"]).code == "job_not_found"
    assert results(own_club.server.api(own_club.community.create_key("userFields")), done["_id"]).status == 401
    assert results(own_club.api, "66b0c0ffee0000000000a101").code == "job_not_found"


@pytest.mark.slow
@pytest.mark.parametrize("failing", [False, True], ids=["applied", "refused"])
def test_memory_is_flat_while_the_results_of_a_million_rows_are_downloaded(installation, failing):
    club = open_club(installation, 1_000)
    pieces = narrow_rows(1_000_000)
    if failing:
        pieces = (piece.replace(b",1,add", b",1e3,Add") for piece in pieces)
    status, body = stream(club.api, pieces)
    assert status == 200, body
    done = club.api.wait_for_job(body["data"]["id"], PATIENCE_S)
    peak = Peak(club.server)
    for headers in ({}, {"Accept-Encoding": "gzip"}):
        connection = club.api.connect()
        connection.request("GET", f"{UPDATE}/{done['_id']}/results", headers={**club.api.headers(), **headers})
        answer = connection.getresponse()
        began, size = time.monotonic(), 0
        while piece := answer.read(1 << 20):
            size += len(piece)
        print(f"{headers}: {size >> 20} MiB, {done['total'] / (time.monotonic() - began):,.0f} rows/s")
        connection.close()
    over = peak.over_idle_kib()
    print(f"peak {over} KiB over idle")
    assert over <= OVER_IDLE_KIB_MAX // 4
