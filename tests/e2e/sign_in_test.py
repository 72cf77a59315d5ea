"""People sign in: the whole program, its nodes, its secret file and its log."""

import json
import stat
import threading
import time

import pytest

from harness import Installation

PASSWORD = "correct horse-1"


def post(api, path, body, key=None):
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
    return api.request("POST", path, json.dumps(body), headers)


def claim(installation, server, email="owner@example.org"):
    """Gives the owner a password, as an operator without mail does it."""
    token = installation.command_json("account", "claim-link", "--email", email)["token"]
    answer = post(server.api(), "/auth/claim", {"token": token, "password": PASSWORD, "confirmPassword": PASSWORD})
    assert answer.status == 200, answer
    return token


def sign_in(server, email="owner@example.org"):
    answer = post(server.api(), "/auth/login", {"email": email, "password": PASSWORD})
    assert answer.status == 200, answer
    return answer.json["body"]


def test_an_owner_claims_his_account_and_uses_his_community(installation):
    community = installation.create_community()
    server = installation.start()
    link = claim(installation, server)
    assert post(server.api(), "/auth/claim", {"token": link, "password": PASSWORD, "confirmPassword": PASSWORD}).code == "invalid_token"
    body = sign_in(server)
    for prefix in ("", "/v1", "/api/v1"):
        assert post(server.api(), f"{prefix}/auth/refresh", {"refreshToken": "unknown"}).status == 401
    api = server.api(body["token"])
    assert api.get("/v1/users/bulk-update").status == 200, "his only community"
    assert api.request("GET", "/v1/users/bulk-update", headers={"X-Community-Id": "6b0000000000000000000001"}).status == 403
    assert community.id != "6b0000000000000000000001"
    installation.command("account", "disable", "--email", "owner@example.org")
    assert api.get("/v1/users/bulk-update").status == 401
    assert post(server.api(), "/auth/login", {"email": "owner@example.org", "password": PASSWORD}).code == "account_disabled"
    # Nothing secret is in the log.
    server.stop()
    log = server.log()
    assert "auth.login" in log
    for secret in (PASSWORD, link, body["token"], body["refreshToken"]):
        assert secret not in log


def test_the_secret_file_is_made_once_and_needed_ever_after(installation):
    installation.create_community()
    server = installation.start()
    secret = installation.data / "secret.key"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    claim(installation, server)
    body = sign_in(server)
    server.stop()

    text = secret.read_text()
    secret.unlink()
    with pytest.raises(AssertionError, match="secret file .* is missing"):
        installation.start()
    secret.write_text("0" * 64)
    secret.chmod(0o600)
    with pytest.raises(AssertionError, match="another secret file"):
        installation.start()
    secret.write_text(text)
    secret.chmod(0o644)
    with pytest.raises(AssertionError, match="Others may read"):
        installation.start()
    secret.unlink()
    elsewhere = installation.folder / "kept.key"
    elsewhere.write_text(text)
    elsewhere.chmod(0o600)
    server = installation.start("--secret-file", str(elsewhere))
    assert server.api(body["token"]).get("/auth/sessions").status == 200, "a token outlives the server"


def test_a_lost_secret_is_given_up(installation):
    installation.create_community()
    server = installation.start()
    claim(installation, server)
    body = sign_in(server)
    server.stop()
    (installation.data / "secret.key").unlink()
    installation.command("secret", "renew")
    server = installation.start()
    assert server.api(body["token"]).get("/auth/sessions").status == 401
    sign_in(server)


def test_a_backup_brings_the_secret_back(installation, tmp_path):
    installation.create_community()
    server = installation.start()
    claim(installation, server)
    body = sign_in(server)
    installation.command("backup", str(tmp_path / "backup"))
    server.stop()
    restored = Installation(tmp_path / "restored", installation.engine)
    restored.folder.mkdir()
    try:
        restored.command("restore", str(tmp_path / "backup"))
        assert restored.start().api(body["token"]).get("/auth/sessions").status == 200
    finally:
        restored.close()


@pytest.fixture
def pair(tmp_path):
    made = Installation(tmp_path, "postgres")
    yield made
    made.close()


def test_nodes_share_sessions(pair):
    installation = pair
    installation.create_community()
    first, second = installation.start(), installation.start()
    claim(installation, first)
    body = sign_in(first)
    assert second.api(body["token"]).get("/auth/sessions").status == 200
    assert post(second.api(), "/auth/logout", {}, body["token"]).status == 200
    assert first.api(body["token"]).get("/auth/sessions").status == 401
    assert post(first.api(), "/auth/refresh", {"refreshToken": body["refreshToken"]}).status == 401


def test_many_who_sign_in_delay_nobody_else_and_too_many_are_told_to_come_back(installation):
    key = installation.create_community().create_key()
    server = installation.start("--request-threads", "1", "--password-threads", "1", "--behind-proxy", "--trusted-proxy", "127.0.0.1")
    people, answers, lock = 160, [], threading.Lock()

    def guess(i):
        headers = {"Content-Type": "application/json", "X-Forwarded-For": f"198.51.{i}.1"}
        answer = server.api().request("POST", "/auth/login", json.dumps({"email": f"nobody{i}@example.org", "password": PASSWORD}), headers)
        with lock:
            answers.append(answer)

    threads = [threading.Thread(target=guess, args=(i,)) for i in range(people)]
    for thread in threads:
        thread.start()
    # Each of the hundred who wait takes two hashes of tens of milliseconds: they wait for seconds, on one thread that hashes.
    deadline = time.monotonic() + 20
    while not any(a.status == 503 for a in list(answers)):
        assert time.monotonic() < deadline, "the hasher's queue was never full"
    others = 0
    while others < 5:
        assert server.api(key).get("/v1/users/bulk-update").status == 200, "the one request thread is free"
        others += 1
    with lock:
        waiting = people - len(answers)
    assert waiting > 20, "the others were answered while these waited"
    for thread in threads:
        thread.join()
    refused = [a for a in answers if a.status == 503]
    assert all(a.headers["Retry-After"] == "5" and a.code == "overloaded" for a in refused)
    assert {a.status for a in answers} == {401, 503}
    assert len(answers) - len(refused) >= 100
