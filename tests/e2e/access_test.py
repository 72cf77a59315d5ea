"""Who may do what, and what everybody else is told: one table for all bulk operations."""

import types

import pytest

from client import IMPORT, PREMIUM, UPDATE, multipart
from files import email, premium

ONE_ROW = premium([(email(1), "add", 1)])
UNKNOWN = "6b0000000000000000000001"


@pytest.fixture(scope="module")
def keys(club):
    """Keys of every kind, and a job of another community."""
    other = club.installation.create_community("Other club")
    stranger = other.create_key()
    expired, revoked = club.community.create_key(), club.community.create_key()
    club.community.revoke(revoked)
    club.installation.database().execute(f"UPDATE api_keys SET expires_at = 1000 WHERE prefix = '{expired.text.rsplit('_', 1)[0]}'")
    api = club.server.api(stranger)
    job = api.queue(PREMIUM, ONE_ROW)
    api.wait_for_job(job)
    own = club.api.run(PREMIUM, ONE_ROW)["_id"]
    return types.SimpleNamespace(
        job=own, strange_job=job, stranger=api,
        refused={"no key": club.server.api(), "a wrong key": club.server.api("0123456789"), "a mistyped key": club.server.api(club.key.text[:-1] + "?"),
                 "the system key": club.server.api(club.community.system_key), "an expired key": club.server.api(expired),
                 "a revoked key": club.server.api(revoked), "a very long key": club.server.api("x" * 5_000)},
        lacking=club.server.api(club.community.create_key("getUserData,createUser")),
        half=club.server.api(club.community.create_key("bulkUpdateUser")))


# name: (method, path with {job}, whether it takes a file)
OPERATIONS = {
    "bulk update": ("POST", UPDATE, True),
    "premium currency": ("POST", PREMIUM, True),
    "bulk import": ("POST", IMPORT, True),
    "list": ("GET", UPDATE, False),
    "status": ("GET", UPDATE + "/{job}/status", False),
    "details": ("GET", UPDATE + "/{job}/details", False),
    "cancel": ("POST", UPDATE + "/{job}/cancel", False),
    "template": ("GET", UPDATE + "/templates/update", False),
}
OF_A_JOB = [name for name, (_, path, _) in OPERATIONS.items() if "{job}" in path]
REFUSALS = {"no key": "takes a community API key", "a wrong key": "not valid", "a mistyped key": "not valid", "the system key": "not valid",
            "an expired key": "expired on 1970-01-01", "a revoked key": "revoked", "a very long key": "not valid"}


def call(api, operation, job):
    method, path, with_file = OPERATIONS[operation]
    if not with_file:
        return api.request(method, path.format(job=job))
    body, content_type = multipart(ONE_ROW)
    return api.request(method, path, body, {"Content-Type": content_type})


@pytest.mark.parametrize("credential", REFUSALS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_nobody_comes_in_without_a_living_key(club, keys, operation, credential):
    before = club.installation.jobs()
    answer = call(keys.refused[credential], operation, keys.job)
    assert (answer.status, answer.code) == (401, "unauthorized"), answer
    assert REFUSALS[credential] in answer.json["message"]
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]
    assert "data" not in answer.json and "bulk" not in answer.json["message"]
    assert (club.installation.jobs(), club.installation.files_match_jobs()) == (before, True)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_key_without_the_permission_is_told_which_one(club, keys, operation):
    answer = call(keys.lacking, operation, keys.job)
    assert (answer.status, answer.code) == (401, "insufficient_permission"), answer
    assert "Bulk Update User" in answer.json["message"] and "bulkUpdateUser" in answer.json["message"]


def test_an_import_needs_the_permission_to_create_users_too(club, keys):
    answer = call(keys.half, "bulk import", keys.job)
    assert (answer.status, answer.code) == (401, "insufficient_permission"), answer
    assert "Create User" in answer.json["message"] and "createUser" in answer.json["message"]
    assert call(keys.half, "status", keys.job).status == 200


@pytest.mark.parametrize("operation", OF_A_JOB)
def test_a_job_of_another_community_looks_like_one_that_is_not_there(club, keys, operation):
    strange, unknown = call(club.api, operation, keys.strange_job), call(club.api, operation, UNKNOWN)
    for answer in (strange, unknown):
        assert (answer.status, answer.code) == (404, "job_not_found"), answer

    def shape(answer, job):
        body = answer.json
        del body["requestId"]
        return str(body).replace(job, "ID")

    assert shape(strange, keys.strange_job) == shape(unknown, UNKNOWN)
    assert call(keys.stranger, operation, keys.strange_job).status in (200, 409)


@pytest.mark.parametrize("operation", OF_A_JOB)
@pytest.mark.parametrize("job", ["1", "xyz", UNKNOWN[:-1], UNKNOWN + "0", "..%2F.."])
def test_what_is_no_id_names_no_job(club, operation, job):
    answer = call(club.api, operation, job)
    assert (answer.status, answer.headers["Content-Type"]) == (404, "application/json; charset=utf-8"), answer


def test_the_list_shows_only_jobs_of_the_own_community(club, keys):
    own = {job["_id"] for job in club.api.get(UPDATE + "?limit=100").json["data"]}
    strange = {job["_id"] for job in keys.stranger.get(UPDATE + "?limit=100").json["data"]}
    assert keys.job in own and strange == {keys.strange_job} and not own & strange


def test_members_of_another_community_cannot_be_reached(club, keys):
    before = club.installation.balances()
    done = keys.stranger.run(PREMIUM, premium([(email(1), "add", 1), ("nobody@example.org", "add", 1)]))
    rows = keys.stranger.details(done["_id"])["rows"]
    assert [(e["code"], e["message"]) for row in rows for e in row["errors"]] == [
        ("user_not_found", f"No member {who} in this community.") for who in (email(1), "nobody@example.org")]
    assert (rows[0]["email"], rows[0]["user_id"]) == (None, None)
    assert club.installation.balances() == before


def test_an_import_for_another_community_is_forbidden(club, keys):
    own = club.api.upload(IMPORT, b"Email,Username\nx@example.org,x1\n", fields={"communityId": club.community.id, "dry_run": "1"})
    assert own.status == 200, own
    answer = club.api.upload(IMPORT, b"Email,Username\nx@example.org,x1\n", fields={"communityId": UNKNOWN})
    assert (answer.status, answer.code) == (403, "forbidden"), answer


BAD_QUERIES = [("", "page=0", "page"), ("", "page=x", "page"), ("", "limit=0", "limit"), ("", "limit=101", "limit"), ("", "status=done", "status"),
               ("", "type=bulk", "type"), ("", "from=yesterday", "from"), ("", "to=2026-13-01", "to"), ("", "cursor=zz", "cursor"),
               ("/details", "limit=501", "limit"), ("/details", "page=-1", "page"), ("/details", "status=good", "status"), ("/details", "after_row=x", "after_row"),
               ("/details", "after_row=1&page=2", "after_row"), ("/details", "status=failed&page=1001", "page")]


@pytest.mark.parametrize("place, query, field", BAD_QUERIES)
def test_a_wrong_query_value_is_named(club, keys, place, query, field):
    path = f"{UPDATE}/{keys.job}{place}" if place else UPDATE
    answer = club.api.get(f"{path}?{query}")
    assert (answer.status, answer.json["status"]) == (400, "error"), answer
    assert [error["field"].lstrip("/") for error in answer.json["errors"]] == [field]
    assert answer.json["errors"][0]["message"]


@pytest.mark.parametrize("value", ["", "null", "undefined"])
def test_query_values_that_clients_send_for_nothing_are_nothing(club, keys, value):
    answer = club.api.get(f"{UPDATE}?status={value}&type={value}&from={value}&log_name={value}&page={value}&limit={value}&cursor={value}")
    assert answer.status == 200, answer
    assert len(answer.json["data"]) > 0
    assert club.api.get(f"{UPDATE}/{keys.job}/details?status={value}&key={value}&after_row={value}").status == 200


def test_the_list_finds_pages_and_filters(club):
    names = [f"filtered {n}" for n in range(5)]
    jobs = [club.api.run(PREMIUM, ONE_ROW, fields={"log_name": name})["_id"] for name in names]
    first = club.api.get(UPDATE + "?limit=2").json
    assert [job["_id"] for job in first["data"]] == jobs[:2:-1]
    second = club.api.get(UPDATE + "?limit=2&page=2").json
    assert [job["_id"] for job in second["data"]] == jobs[2:0:-1]
    assert (second["pagination"]["currentPage"], second["pagination"]["hasPrevPage"]) == (2, True)
    assert [job["_id"] for job in club.api.get(UPDATE + "?log_name=filtered%203").json["data"]] == [jobs[3]]
    assert club.api.get(UPDATE + "?to=2000-01-01").json["pagination"]["total"] == 0
    assert all(job["type"] == "bulk_import" for job in club.api.get(UPDATE + "?type=bulk_import").json["data"])
    assert club.api.get(UPDATE + "?status=queued").json["data"] == []
    cursor = first["pagination"].get("nextCursor") or first["data"][-1]["_id"]
    assert [job["_id"] for job in club.api.get(f"{UPDATE}?limit=2&cursor={cursor}").json["data"]] == jobs[2:0:-1]


def test_details_page_filter_and_go_on_behind_a_row(club):
    rows = [(email(1), "add", 1) if n % 3 else ("nobody@example.org", "add", 1) for n in range(300)]
    job = club.api.run(PREMIUM, premium(rows))["_id"]
    assert [row["row"] for row in club.api.details(job, page=2, limit=100)["rows"]] == list(range(102, 202))
    failed = [row["row"] for row in club.api.details(job, status="failed", limit=500)["rows"]]
    assert failed == list(range(2, 302, 3))
    assert [row["row"] for row in club.api.details(job, status="success", limit=2)["rows"]] == [3, 4]
    assert [row["row"] for row in club.api.details(job, after_row=299)["rows"]] == [300, 301]
    assert {row["key"] for row in club.api.details(job, key="NOBODY@example.org")["rows"]} == {"nobody@example.org"}
