"""What must never be seen, and what every answer carries."""

import base64
import http.client
import socket

import pytest

from client import PREMIUM, UPDATE
from conftest import open_club
from files import email, premium

UNKNOWN = "6b0000000000000000000001"


def send_raw(club, text):
    """Bytes as they are; the answer's status, headers and body."""
    connection = socket.create_connection((club.api.url.hostname, club.api.url.port), timeout=20)
    try:
        connection.sendall(text)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_a_key_is_seen_once_and_then_nowhere(installation):
    club = open_club(installation, 5, "--log-level", "debug")
    secrets = [club.key.text, club.community.system_key]
    expired = club.community.create_key()
    club.community.revoke(expired)
    answers = [club.api.get(UPDATE), club.server.api(expired).get(UPDATE), club.server.api(club.key.text + "x").get(UPDATE),
               club.server.api(club.community.system_key).get(UPDATE), club.api.get(f"/v1/users/{club.key.text}"), club.api.get(f"{UPDATE}?search={club.key.text}"),
               club.api.get(f"{UPDATE}/{UNKNOWN}/status"), club.server.api().get("/metrics"), club.api.upload(PREMIUM, premium([(email(1), "add", 1)])),
               club.api.get(UPDATE, {"x-api-key": club.community.system_key})]
    club.api.wait_for_job(answers[-2].json["data"]["id"])
    secrets.append(expired.text)
    for answer in answers:
        assert not any(secret.encode() in answer.body for secret in secrets), answer
    assert club.server.stop() == 0
    prefixes = [secret.rsplit("_", 1)[0] for secret in secrets]
    assert prefixes[0] in club.server.log()
    for place, content in installation.everything_stored():
        for secret in secrets:
            hidden = secret.rsplit("_", 1)[1].encode()
            for form in (hidden, base64.b64encode(hidden), hidden.hex().encode(), hidden[:20]):
                assert form not in content, place
    stored = installation.database().rows("SELECT name, prefix FROM api_keys")
    assert {row["prefix"] for row in stored} == set(prefixes)


def test_every_answer_carries_the_safe_headers(club):
    for answer in [club.api.get(UPDATE), club.server.api().get(UPDATE), club.api.get("/nowhere"), club.api.request("DELETE", UPDATE), club.api.get("/health/live"),
                   club.api.upload(PREMIUM, b""), club.api.get(f"{UPDATE}/templates/premium"), club.server.api().get("/metrics"), club.api.get("/openapi.json")]:
        assert answer.headers["X-Request-Id"] and answer.headers["X-Content-Type-Options"] == "nosniff", answer
        assert answer.headers["Cache-Control"], answer
        assert not {"Server", "X-Powered-By", "Access-Control-Allow-Origin"} & set(answer.headers)
    for answer in [club.api.get(UPDATE), club.server.api().get(UPDATE), club.api.upload(PREMIUM, b"")]:
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_callers_request_id_is_kept_when_it_is_sane(club):
    assert club.api.get(UPDATE, {"X-Request-Id": "trace-1.2_3"}).headers["X-Request-Id"] == "trace-1.2_3"
    assert "trace-1.2_3" in club.server.log()
    for wild in ("a b", "x" * 500, "a\x7fb", "<script>"):
        answer = club.api.get("/nowhere", {"X-Request-Id": wild})
        assert answer.headers["X-Request-Id"] not in ("", wild)
        assert answer.json["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nowhere", "/v2/users/bulk-update", "/v1/users/bulk-update/", "/api/v1/apis/v1/nowhere",
                                  "/V1/users/bulk-update", "/v1/users/bulk-update/x/y/z", "/v1//users/bulk-update"])
def test_an_unknown_route_is_a_404_in_json(club, path):
    answer = club.api.get(path)
    assert (answer.status, answer.code) == (404, "not_found"), answer
    assert answer.json["message"] and answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("method, path, allowed", [("DELETE", UPDATE, {"GET", "POST"}), ("PUT", PREMIUM, {"POST"}), ("POST", f"{UPDATE}/{UNKNOWN}/status", {"GET"}),
                                                   ("PATCH", f"{UPDATE}/{UNKNOWN}/cancel", {"POST"}), ("POST", "/health/live", {"GET"})])
def test_another_method_of_a_known_route_is_a_405_that_names_the_right_ones(club, method, path, allowed):
    answer = club.api.request(method, path)
    assert answer.status == 405, answer
    assert allowed <= {name.strip() for name in answer.headers["Allow"].split(",")}
    assert method not in answer.headers["Allow"]


def test_head_is_answered_like_get_without_a_body(club):
    answer = club.api.request("HEAD", "/health/live")
    assert answer.status in (200, 405) and answer.body == b""


@pytest.mark.parametrize("text", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                                  b"POST /v1/users/bulk-update HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                                  b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", b"GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n",
                                  b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_malformed_requests_are_refused(club, text):
    status, headers, _ = send_raw(club, text)
    assert status == 400 and headers["X-Request-Id"]


def test_headers_have_a_limit(club):
    status, _, _ = send_raw(club, b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n")
    assert status == 431


def test_metrics_are_counted_and_served_to_loopback(club):
    text = club.server.api().get("/metrics").body.decode()
    assert "# TYPE" in text and "fealty_bulk_rows_done" in text and "fealty_http" in text
    assert club.key.text not in text and email(1) not in text


def test_the_reference_runs_no_script_of_others(club):
    answer = club.server.api().get("/docs")
    if answer.status in (301, 302, 307, 308):
        answer = club.server.api().get(answer.headers["Location"])
    assert answer.status == 200, answer
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["Content-Security-Policy"].split(";") if part.strip()}
    assert policy["default-src"] in (["'none'"], ["'self'"])
    assert "'unsafe-eval'" not in policy.get("script-src", []) and "'unsafe-inline'" not in policy.get("script-src", [])
    assert not any("//" in source or source == "*" for sources in policy.values() for source in sources)
    assert b"http://" not in answer.body and b"https://" not in answer.body


def test_other_origins_get_no_permission_by_default(club):
    answer = club.api.request("OPTIONS", UPDATE, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_origin_that_was_configured_gets_permission(installation):
    server = installation.start("--cors-origin", "https://club.example.org")
    answer = server.api().request("OPTIONS", UPDATE, headers={"Origin": "https://club.example.org", "Access-Control-Request-Method": "POST",
                                                             "Access-Control-Request-Headers": "authorization"})
    assert answer.status in (200, 204) and answer.headers["Access-Control-Allow-Origin"] == "https://club.example.org"
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"].lower()
    other = server.api().request("OPTIONS", UPDATE, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_an_unexpected_failure_shows_nothing_of_the_inside(installation):
    club = open_club(installation)
    club.installation.database().execute("DROP TABLE bulk_jobs")
    answer = club.api.get(UPDATE)
    assert answer.status in (500, 503), answer
    for word in (b"bulk_jobs", b"SELECT", b"sqlite", b"SQLSTATE", b".cpp", str(installation.folder).encode()):
        assert word not in answer.body
    assert answer.json["requestId"] in club.server.log()
