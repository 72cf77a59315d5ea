"""Limits and last uses of keys, on the real program."""

import email
import email.policy
import json
import re
import time

import pytest

from harness import Installation, wait_until

PATH = "/v1/users/bulk-update"
LIMIT = 40


def next_window():
    """Waits for the beginning of a minute when the running one is nearly over: what a test counts must lie in one."""
    left = 60 - time.time() % 60
    if left < 20:
        time.sleep(left + 0.1)


def test_a_key_is_told_its_limit_and_refused_beyond_it_until_the_next_minute(installation):
    next_window()
    server = installation.start("--rate-limit-per-minute", "3")
    community = installation.create_community()
    key, other = community.create_key(), community.create_key("getUserData")
    for left in (2, 1, 0):
        answer = server.api(key).get(PATH)
        assert answer.status == 200
        assert answer.headers["X-RateLimit-Limit"] == "3"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert 0 < int(answer.headers["X-RateLimit-Reset"]) - time.time() <= 60
    refused = server.api(key).get(PATH)
    assert refused.status == 429 and refused.code == "rate_limited"
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    lacking = server.api(other).get(PATH)
    assert lacking.status == 401 and lacking.headers["X-RateLimit-Remaining"] == "2", "what is refused counts, and each key has its own limit"
    assert "X-RateLimit-Limit" not in server.api().get("/health/live").headers
    query = f"SELECT last_used_at FROM api_keys WHERE prefix = '{key.text.rsplit('_', 1)[0]}' AND last_used_at IS NOT NULL"
    used = wait_until(lambda: installation.database().rows(query), 10, "the last use is written")[0]["last_used_at"]
    assert int(used) % 60_000 == 0 and abs(time.time() * 1000 - int(used)) < 120_000


def test_without_a_limit_there_are_no_headers_of_one(installation):
    server = installation.start("--rate-limit-per-minute", "0")
    answer = server.api(installation.create_community().create_key()).get(PATH)
    assert answer.status == 200 and "X-RateLimit-Limit" not in answer.headers


def test_two_nodes_admit_no_more_than_twice_the_limit_together(tmp_path):
    installation = Installation(tmp_path, "postgres")
    try:
        nodes = [installation.start("--rate-limit-per-minute", str(LIMIT)) for _ in range(2)]
        key = installation.create_community().create_key()
        next_window()
        statuses = [nodes[i % 2].api(key).get(PATH).status for i in range(4 * LIMIT)]
        assert set(statuses) == {200, 429}
        assert LIMIT <= statuses.count(200) <= 2 * LIMIT
    finally:
        installation.close()


def post_json(api, path, body):
    return api.post(path, json.dumps(body).encode())


PASSWORD = "a rather long secret!"


def sign_in(installation, server, email="owner@example.org"):
    """A token of the account, which is claimed with a link of the operator's."""
    link = installation.command_json("account", "claim-link", "--email", email)["token"]
    claimed = post_json(server.api(), "/auth/claim", {"token": link, "password": PASSWORD, "confirmPassword": PASSWORD})
    assert claimed.status == 200, claimed
    body = post_json(server.api(), "/auth/login", {"email": email, "password": PASSWORD}).json["body"]
    return body["token"], body["user"]["_id"]


def test_an_owner_makes_rotates_and_deletes_keys_that_work_and_stop_at_once(installation):
    server = installation.start()
    community = installation.create_community()
    token, user = sign_in(installation, server)
    owner, keys = server.api(token), f"/v1/communities/{community.id}/api-keys"
    made = post_json(owner, keys, {"name": "CRM", "permissions": ["Bulk Update User"], "expirePeriod": 30})
    assert made.status == 201, made
    key = made.json["data"]["key"]
    assert server.api(key).get(PATH).status == 200
    assert server.api(key).get(keys).status == 401, "a key manages no keys"
    rotated = post_json(owner, f"{keys}/{made.json['data']['_id']}/rotate", {"graceSeconds": 600}).json["data"]
    assert [server.api(k).get(PATH).status for k in (key, rotated["key"])] == [200, 200]
    gone = owner.request("DELETE", f"{keys}/{rotated['_id']}")
    assert gone.status == 200 and gone.json["data"]["activeJobs"] == [] and gone.json["data"]["key"].endswith("…")
    assert [server.api(k).get(PATH).status for k in (key, rotated["key"])] == [200, 401]
    system = post_json(owner, f"/v1/communities/{community.id}/system-key/rotate", {}).json["data"]
    assert system["key"].startswith("fs_")

    own = post_json(owner, f"/v1/users/apikeys?userId={user}", {"name": "mine", "permissions": ["readOwnProfile"], "communityId": community.id,
                                                               "expirePeriod": 0, "expireDate": ""})
    assert own.status == 201, own
    info = server.api(own.json["data"]["key"]).get("/v1/users/apikeys/info")
    assert info.json["data"]["kind"] == "user" and info.json["data"]["communityId"] == community.id
    assert server.api(own.json["data"]["key"]).get(PATH).status == 401
    assert owner.get(f"/v1/users/{user}/api-keys").json["meta"]["total"] == 1

    log = server.log()
    stored = str(installation.database().rows("SELECT detail, target FROM audit_entries"))
    for secret in (key, rotated["key"], system["key"], own.json["data"]["key"], token, PASSWORD):
        assert secret not in log and secret not in stored


def test_a_mail_of_the_folder_opens_what_it_is_for(installation):
    server = installation.start("--public-url", "https://club.example.org/")
    installation.create_community()
    sign_in(installation, server)
    assert post_json(server.api(), "/auth/forgot-password", {"email": "owner@example.org"}).status == 200
    folder = installation.data / "mail"
    found = wait_until(lambda: list(folder.glob("*.eml")) if folder.exists() else None, 10, "the mail is written")
    mail = email_of(found[0])
    assert mail["To"] == "owner@example.org"
    token = re.search(r"https://club\.example\.org/reset-password\?token=(\w+)", mail.get_content()).group(1)
    new = {"token": token, "password": PASSWORD + "2", "confirmPassword": PASSWORD + "2"}
    assert post_json(server.api(), "/auth/reset-password", new).status == 200
    assert post_json(server.api(), "/auth/reset-password", new).status == 400
    assert token not in server.log()


def email_of(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def test_mails_go_to_a_folder_where_no_server_is_named(installation):
    server = installation.start()
    assert "mail.folder" in server.log()


@pytest.mark.parametrize("options, words", [
    (["--smtp-url", "smtp://mail.example.org"], ["--mail-from", "--public-url"]),
    (["--smtp-url", "https://mail.example.org", "--mail-from", "a@example.org", "--public-url", "https://x.example"], ["smtp://"]),
    (["--smtp-url", "smtp://u:p@mail.example.org", "--mail-from", "a@example.org", "--public-url", "https://x.example"], ["--smtp-user"]),
    (["--mail-from", "nobody"], ["--mail-from"]),
    (["--public-url", "club.example.org"], ["--public-url"]),
])
def test_contradictions_of_the_mail_settings_are_told_before_anything_starts(installation, options, words):
    done = installation.command("serve", *options, check=False)
    assert done.returncode == 2
    assert all(word in done.stderr for word in words), done.stderr
