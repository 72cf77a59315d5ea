"""Limits and last uses of keys, on the real program."""

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
