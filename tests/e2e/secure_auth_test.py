"""How another system brings its people here: it looks, creates, asks for a link, and the browser follows it."""

import json
import struct
import threading
import urllib.parse
import zlib

import pytest

from conftest import open_club

HOST = "club.example.org"


@pytest.fixture(scope="module")
def house(tmp_path_factory, engine):
    from harness import Installation
    installation = Installation(tmp_path_factory.mktemp("house"), engine)
    made = open_club(installation, 0, "--cors-origin", "https://pages.example.org")
    installation.command("community", "set", "--community", made.community.id, "--host", HOST)
    yield made
    installation.close()


def secure_auth(house, method="GET", key_header="x-api-key", host=HOST, headers=None, key=None, **parameters):
    api = house.server.api()
    sent = {key_header: key or house.community.system_key, "hostname": host, **(headers or {})}
    parameters = {"action": "login", "accessLevel": 0, **parameters}
    if method == "POST":
        return api.post("/api/secureAuth", json.dumps(parameters), sent)
    return api.get("/api/secureAuth?" + urllib.parse.urlencode(parameters), sent)


def newcomer(name):
    return {"userId": name, "email": f"{name}@example.org", "firstname": "Nina", "lastname": "Oh", "displayname": f"Nina {name}"}


def follow(house, url, method="GET"):
    parts = urllib.parse.urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", HOST)
    return house.server.api().request(method, f"{parts.path}?{parts.query}")


def cookie_of(answer):
    return {"Cookie": answer.headers["Set-Cookie"].split(";")[0], "Sec-Fetch-Site": "same-origin"}


def test_the_published_flow(house):
    ask = lambda: house.api.post("/v1/users/info", json.dumps({"idOrEmail": "mia@example.org"}))
    assert (ask().status, ask().code) == (404, "user_not_found")
    made = house.api.post("/v1/users", json.dumps({
        "firstname": "Mia", "lastname": "Lu", "displayname": "Mia", "username": "mia", "email": "mia@example.org", "accessLevel": 0,
        "joinServer": True, "sendEmail": False, "emailPassword": False}))
    assert made.status == 200, made
    user = made.json["data"]
    assert ask().json["data"]["username"] == "mia"

    link = secure_auth(house, userId="mia")
    assert link.status == 200, link
    assert sorted(link.json) == ["error", "loginUrl", "sessionId"] and link.json["error"] is False
    assert house.community.system_key not in link.json["loginUrl"]
    assert follow(house, link.json["loginUrl"], "HEAD").status == 200
    entered = follow(house, link.json["loginUrl"])
    assert (entered.status, entered.headers["Location"]) == (303, "/")
    for attribute in ("HttpOnly", "Secure", "SameSite=Lax"):
        assert attribute in entered.headers["Set-Cookie"]
    assert entered.headers["Referrer-Policy"] == "no-referrer" and entered.headers["Cache-Control"] == "no-store"
    again = follow(house, link.json["loginUrl"])
    assert again.status == 404 and b"<a href=\"/\"" in again.body and "Set-Cookie" not in again.headers

    browser, cookie = house.server.api(), cookie_of(entered)
    seen = browser.get(f"/v1/users/{user['_id']}", cookie)
    assert seen.status == 200, seen
    assert seen.json["message"] == "Get user success."
    assert {name: seen.json["data"][name] for name in ("_id", "id", "displayName", "username", "firstName", "lastName", "email")} == {
        "_id": user["_id"], "id": int(user["userId"]), "displayName": "Mia", "username": "mia", "firstName": "Mia", "lastName": "Lu",
        "email": "mia@example.org"}
    assert seen.json["data"]["lastLogin"] is not None and seen.json["data"]["isOnline"] is False
    # What is the account's own, and what is the community's, stays closed.
    assert browser.get("/auth/sessions", cookie).status == 403
    assert browser.get(f"/v1/communities/{house.community.id}/users", cookie).status == 403
    changed = browser.request("PATCH", f"/v1/users/{user['_id']}", json.dumps({"displayName": "Mia L"}), cookie)
    assert changed.json["data"]["displayName"] == "Mia L"
    assert ask().json["data"]["displayName"] == "Mia L"
    listed = house.api.get(f"/v1/communities/{house.community.id}/users?search=keyword:MIA&id=true")
    assert listed.json["data"] == [{"id": int(user["userId"])}], listed


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("key_header", ["X-API-Key", "apiKey"])
def test_unknown_people_become_members(house, method, key_header):
    name = f"nina-{method}-{key_header}".lower()
    answer = secure_auth(house, method, key_header, **newcomer(name))
    assert answer.status == 200, answer
    assert follow(house, answer.json["loginUrl"]).status == 303
    found = house.api.post("/v1/users/info", json.dumps({"idOrEmail": f"{name}@example.org"}))
    assert found.json["data"]["username"] == name


def test_refusals_have_their_own_shape_and_no_page_of_another_site_reads_them(house):
    origin = {"Origin": "https://pages.example.org"}
    wrong = [(secure_auth(house, userId="nobody", headers=origin), 400, "invalid_request"),
             (secure_auth(house, userId="nobody", action="x", headers=origin, **{k: v for k, v in newcomer("nobody").items() if k != "userId"}),
              400, "unknown_action"),
             (secure_auth(house, host="other.example.org", headers=origin, **newcomer("nobody")), 403, "foreign_host"),
             (secure_auth(house, key="fs_wrong", headers=origin, **newcomer("nobody")), 401, "unauthorized"),
             (secure_auth(house, key=house.key.text, headers=origin, **newcomer("nobody")), 401, "unauthorized")]
    for answer, status, code in wrong:
        assert (answer.status, answer.code) == (status, code), answer
        assert answer.json["error"] is True and sorted(answer.json) == ["code", "error", "message", "requestId"]
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Origin" not in house.server.api().request("OPTIONS", "/api/secureAuth", None, {
        **origin, "Access-Control-Request-Method": "GET"}).headers


def test_many_calls_at_once_make_one_account_and_a_link_signs_in_one(house):
    answers, entered = [], []
    def run(work, count):
        threads = [threading.Thread(target=work) for _ in range(count)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    run(lambda: answers.append(secure_auth(house, **newcomer("crowd"))), 100)
    assert [a.status for a in answers] == [200] * 100, [a for a in answers if a.status != 200][:1]
    assert house.installation.database().rows("SELECT count(*) AS n FROM accounts WHERE username_key = 'crowd'")[0]["n"] == 1
    run(lambda: entered.append(follow(house, answers[0].json["loginUrl"]).status), 10)
    assert sorted(entered) == [303] + [404] * 9


def picture(width, height):
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + b"\xff\0\0" * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def form(user, data, kind="image/png"):
    mark = "b0undary"
    body = (f'--{mark}\r\nContent-Disposition: form-data; name="user"\r\n\r\n{user}\r\n--{mark}\r\nContent-Disposition: form-data; '
            f'name="avatar"; filename="a.png"\r\nContent-Type: {kind}\r\n\r\n').encode() + data + f"\r\n--{mark}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={mark}"}


def test_pictures_are_taken_and_served(house):
    assert secure_auth(house, **newcomer("painted")).status == 200
    body, headers = form("painted", picture(64, 48))
    made = house.api.post("/v1/users/avatar", body, headers)
    assert made.status == 200, made
    address = urllib.parse.urlsplit(made.json["data"]["avatar"])
    assert address.netloc == HOST
    served = house.server.api().get(address.path)
    assert (served.status, served.headers["Content-Type"], served.headers["X-Content-Type-Options"]) == (200, "image/webp", "nosniff")
    assert "immutable" in served.headers["Cache-Control"] and served.body[8:12] == b"WEBP"
    assert house.server.api().request("HEAD", address.path).status == 200
    found = house.api.post("/v1/users/info", json.dumps({"idOrEmail": "painted"}))
    assert found.json["data"]["avatar"] == made.json["data"]["avatar"]
    before = house.server.memory_kib()
    for data in (b"x", b"", picture(64, 48)[:50], b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 60_000, 60_000)):
        body, headers = form("painted", data)
        refused = house.api.post("/v1/users/avatar", body, headers)
        assert (refused.status, refused.code) == (400, "invalid_image"), refused
    body, headers = form("painted", b"x" * (5 * 1024 * 1024 + 1))
    assert house.api.post("/v1/users/avatar", body, headers).status == 413
    assert house.server.memory_kib() - before < 64 * 1024
    assert house.server.api().get(address.path).status == 200


def test_who_is_signed_in_leaves_and_comes_back(house):
    entered = follow(house, secure_auth(house, **newcomer("rover")).json["loginUrl"])
    browser, cookie = house.server.api(), cookie_of(entered)
    path = f"/v1/communities/{house.community.id}"
    house.installation.command("community", "set", "--community", house.community.id, "--open-registration", "true")
    assert browser.post(f"{path}/join", b"", cookie).json["body"]["status"] == "active"
    assert browser.post(f"{path}/leave", b"", cookie).json["body"]["status"] == "deleted"
    assert browser.post(f"{path}/join", b"", cookie).status == 401, "the session went with the membership"
    assert secure_auth(house, userId="rover").code == "user_deleted"
