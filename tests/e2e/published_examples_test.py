"""The published requests, sent by curl as they are printed, but for the host and the key."""

import json
import subprocess

import pytest

from files import HEADER, email

PREFIXES = ["/v1", "/apis/v1", "/api/v1/apis/v1"]


def curl(command, folder):
    done = subprocess.run(["sh", "-c", command + " --silent --show-error --write-out '\\n%{http_code}'"], capture_output=True, text=True, timeout=60, cwd=folder)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("authorization", ["Bearer ", ""], ids=["bearer", "bare key"])
def test_the_published_bulk_update_queues_and_applies_the_file(club, tmp_path, prefix, authorization):
    before = club.installation.balances().get(email(1), 0)
    (tmp_path / "file.csv").write_text("Email,First Name,Premium Currency_op,Premium Currency\n" + email(1) + ",Ana,add,2.5\n")
    status, answer = curl(f"curl --location --request POST '{club.server.url}{prefix}/users/bulk-update' "
                          f"-H 'Authorization: {authorization}{club.key.text}' --form 'data=@\"file.csv\"' --form 'log_name=\"\"'", tmp_path)
    assert status == 200
    assert answer["status"] == "success"
    assert answer["message"] == "Bulk update user process is queued"
    assert answer["data"]["message"] == "Bulk update user process is queued. You can check in Api Log ( community settings )"
    done = club.api.wait_for_job(answer["data"]["id"])
    assert (done["status"], done["updated"], done["log_name"], done["file"]["name"]) == ("completed", 1, "", "file.csv")
    assert club.installation.balances()[email(1)] == before + 2_500_000


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("authorization", ["Bearer ", ""], ids=["bearer", "bare key"])
def test_the_published_premium_currency_update_queues_and_applies_the_file(club, tmp_path, prefix, authorization):
    before = club.installation.balances().get(email(2), 0)
    (tmp_path / "file.csv").write_text(f"{HEADER}\n{email(2)},50,add\n")
    status, answer = curl(f"curl --location --request POST '{club.server.url}{prefix}/users/bulk-update-premium-currency' "
                          f"-H 'Authorization: {authorization}{club.key.text}' --form 'data=@\"file.csv\"' --form 'log_name=\"march top-up\"'", tmp_path)
    assert status == 200
    assert answer["message"] == "Bulk update premium currency process is queued"
    assert answer["data"]["message"] == "Bulk update premium currency process is queued. You can check in Api Log ( community settings )"
    done = club.api.wait_for_job(answer["data"]["id"])
    assert (done["status"], done["updated"], done["log_name"]) == ("completed", 1, "march top-up")
    assert club.installation.balances()[email(2)] == before + 50_000_000


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_import_says_that_it_is_queued_and_makes_the_members(club, tmp_path, prefix):
    who = f"new{PREFIXES.index(prefix)}"
    (tmp_path / "file.csv").write_text(f"First Name,Last Name,Username,Email,Phone,Country,Language,Role,Tag\nNew,Member,{who},{who}@example.org,,,,,\n")
    status, answer = curl(f"curl --location --request POST '{club.server.url}{prefix}/users/bulk-import' "
                          f"-H 'Authorization: Bearer {club.key.text}' --form 'data=@\"file.csv\"' --form 'log_name=\"\"'", tmp_path)
    assert status == 200
    assert answer["message"] == "Bulk import user process is queued"
    assert answer["data"]["message"] == "Bulk import user process is queued. You can check in Api Log ( community settings )"
    assert club.api.wait_for_job(answer["data"]["id"])["created"] == 1


@pytest.mark.parametrize("prefix", PREFIXES)
def test_list_status_and_details_answer_under_every_prefix(club, tmp_path, prefix):
    job = club.api.queue("/v1/users/bulk-update-premium-currency", f"{HEADER}\n{email(3)},1,add\nnobody@example.org,1,Add\n".encode())
    club.api.wait_for_job(job)
    listed = club.api.get(f"{prefix}/users/bulk-update?limit=1").json
    assert (listed["message"], listed["data"][0]["_id"]) == ("Bulk updates fetched successfully", job)
    assert set(listed["pagination"]) >= {"total", "currentPage", "totalPages", "hasNextPage", "hasPrevPage"}
    status = club.api.get(f"{prefix}/users/bulk-update/{job}/status").json
    assert (status["message"], status["data"]["success"], status["data"]["failed"]) == ("Bulk update status fetched successfully", 1, 1)
    details = club.api.get(f"{prefix}/users/bulk-update/{job}/details").json
    assert details["message"] == "Bulk update details fetched successfully"
    good, bad = details["data"]["rows"]
    assert (good["row"], good["line"], good["key"], good["email"], good["status"], good["errors"]) == (2, 2, email(3), email(3), "updated", [])
    change = good["changes"][0]
    assert (change["field"], change["op"], change["value"]) == ("Premium Currency", "add", 1)
    assert change["after"] - change["before"] == 1 and change["entry_id"]
    assert (bad["row"], bad["email"], bad["user_id"], bad["status"], bad["changes"]) == (3, None, None, "failed", [])
    assert {"column": "Premium Currency_op", "code": "invalid_operator",
            "message": 'Operator must be add, subtract or overwrite, in lower case; found "Add".'} in bad["errors"]
