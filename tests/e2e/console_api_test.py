"""What the console does, on the real program: the first start, cookie sessions, roles, logs."""

import concurrent.futures
import json

from harness import wait_until

PASSWORD = "correct horse-1"
OWNER = {"email": "mia@example.org", "username": "mia", "password": PASSWORD, "firstname": "Mia", "lastname": "Lee",
         "title": "Our club", "timeZone": "Europe/Berlin"}


class Browser:
    """A page of the server's own host: it keeps the cookie, which no script sees."""

    def __init__(self, server):
        self.api = server.api()
        self.origin = server.url
        self.cookie = None

    def ask(self, method, path, body=None, headers=None):
        sent = {"Origin": self.origin, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json", **(headers or {})}
        if self.cookie:
            sent["Cookie"] = self.cookie
        answer = self.api.request(method, path, json.dumps(body) if body is not None else None, sent)
        given = answer.headers.get("Set-Cookie")
        if given:
            self.cookie = given.split(";")[0]
        return answer


def set_up(server, **more):
    browser = Browser(server)
    answer = browser.ask("POST", "/v1/setup", {**OWNER, **more})
    assert answer.status == 201, answer
    return browser, answer.json["data"]["community"]["_id"]


def test_a_fresh_server_is_set_up_once_and_used_from_a_browser(installation):
    server = installation.start()
    assert server.api().get("/v1/setup").json["data"] == {"needed": True, "codeRequired": False}
    wait_until(lambda: "setup.needed" in server.log(), 10, "the code is on the console")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda n: Browser(server).ask("POST", "/v1/setup", {**OWNER, "email": f"m{n}@example.org"}), range(4)))
    assert sorted(a.status for a in answers) == [201, 409, 409, 409]
    winner = next(a for a in answers if a.status == 201)
    assert "HttpOnly; SameSite=Strict" in winner.headers["Set-Cookie"] and "oken" not in winner.body.decode()
    browser = Browser(server)
    browser.cookie = winner.headers["Set-Cookie"].split(";")[0]
    me = browser.ask("GET", "/auth/me").json["body"]
    assert me["communities"][0]["role"] == "COMMUNITY_OWNER" and me["mayCreateCommunities"]
    assert browser.ask("GET", "/v1/users/bulk-update").status == 200
    assert browser.ask("POST", "/auth/logout", {}, {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}).status == 401
    assert browser.ask("GET", "/auth/me").status == 200
    assert browser.ask("POST", "/auth/logout", {}).status == 200
    assert browser.ask("GET", "/auth/me").status == 401


def test_a_stranger_needs_the_code_of_the_console(installation):
    server = installation.start()
    passed_on = {"X-Forwarded-For": "203.0.113.9"}
    stranger = Browser(server)
    assert stranger.ask("GET", "/v1/setup", headers=passed_on).json["data"]["codeRequired"]
    assert stranger.ask("POST", "/v1/setup", OWNER, passed_on).code == "setup_code_wrong"
    code = wait_until(lambda: next((line.split("code=")[1].split()[0] for line in server.log().splitlines() if "setup.needed" in line), None),
                      10, "the code is on the console")
    assert stranger.ask("POST", "/v1/setup", {**OWNER, "code": code}, passed_on).status == 201
    server.stop()
    again = installation.start()
    assert "setup.needed" not in again.log()


def test_the_demo_is_sound(installation):
    server = installation.start()
    browser, community = set_up(server, demo=True)
    users = browser.ask("POST", "/v1/users/filter", {"fields": ["email", "xp", "role"]}).json["data"]
    assert users["total"] == 301
    assert {r["title"] for r in browser.ask("GET", "/roles").json["body"]} == {"@all", "Moderator", "Ambassador", "Trader"}
    # Invented entries are such as a person makes: of a documented kind, found by it, and to be taken back.
    entry, = browser.ask("GET", "/v1/ledger/entries?limit=1").json["data"]
    assert entry["source"]["kind"] == "admin" and entry["source"]["label"] == "Demo", entry
    assert browser.ask("GET", "/v1/ledger/entries?sourceKind=admin&limit=1").json["data"] == [entry]
    back = browser.ask("POST", f"/v1/ledger/entries/{entry['_id']}/reverse", {"note": "only looking"})
    assert back.status == 200 and back.json["data"]["amount"] == -entry["amount"], back
    made = installation.command_json("demo", "--community", community)
    assert made == {"members": 300}
    installation.assert_healthy()


def test_roles_and_the_trail_of_them(installation):
    server = installation.start()
    browser, community = set_up(server)
    made = browser.ask("POST", "/roles", {"title": "Guide", "order": 5, "server_permissions": {"warn_members": True}})
    assert made.status == 200, made
    role = made.json["body"]["_id"]
    user = browser.ask("POST", "/v1/users", {"firstname": "A", "lastname": "B", "displayname": "A", "username": "anna",
                                             "email": "a@example.org", "accessLevel": 0, "joinServer": True}).json["data"]["userId"]
    assert [r["title"] for r in browser.ask("POST", f"/roles/{role}/add", {"userId": user}).json["body"]] == ["Guide", "@all"]
    appointed = browser.ask("POST", f"/v1/communities/{community}/administrators", {"email": "a@example.org"})
    assert appointed.status == 201 and appointed.json["data"]["mail"] == "claim", appointed
    assert browser.ask("PUT", "/v1/currencies/coins", {"symbol": "C"}).status == 200
    assert browser.ask("PUT", f"/v1/communities/{community}/settings", {"logReads": True}).status == 200
    actions = [row["action"] for row in browser.ask("GET", "/v1/audit-logs?limit=100").json["data"]]
    for action in ("settings.update", "currency.update", "administrator.appoint", "role.give", "user.create", "role.create",
                   "community.create"):
        assert action in actions, actions
    assert browser.ask("GET", "/v1/audit-logs?action=role.*").json["pagination"]["total"] == 3  # two made, one given


def test_the_api_log_tells_of_requests_and_jobs_and_no_secrets(own_club):
    api, community, key = own_club.api, own_club.community, own_club.key
    secret = "S3cret-in-a-body"
    assert api.post("/v1/users/info", json.dumps({"idOrEmail": secret + "@example.org"}).encode(), {"Content-Type": "application/json"}).status == 404
    assert api.get(f"/v1/users/bulk-update?log_name={secret}").status == 200
    assert api.get(f"/v1/api-logs/{secret}").status == 404

    def rows(query=""):
        return api.get(f"/v1/api-logs?limit=100{query}").json["data"]

    refused = wait_until(lambda: [r for r in rows() if r["kind"] == "request" and r["status"] == 404 and r["method"] == "POST"], 10,
                         "the refusal is in the log")[0]
    assert refused["path"] == "/v1/users/info" and refused["code"] == "user_not_found" and refused["key"]["prefix"] == key.text[:11]
    job = rows("&kind=bulk_job")[0]
    assert job["job"]["status"] == "completed" and job["job"]["processed"] == job["job"]["total"] == 5
    assert api.get(f"/v1/api-logs/{job['_id']}").json["data"]["job"] == job["job"]
    assert not [r for r in rows() if r["kind"] == "request" and r["method"] == "GET" and r["status"] < 400], "reads that succeed"
    # What is kept when the server stops is there afterwards.
    api.post("/v1/users/info", json.dumps({"idOrEmail": "nobody"}).encode(), {"Content-Type": "application/json"})
    own_club.server.stop()
    database = own_club.installation.database()
    kept = database.rows("SELECT * FROM api_logs")
    assert kept and secret not in json.dumps(kept, default=str) and key.text not in json.dumps(kept, default=str)
    assert len({r["log_id"] for r in kept}) == len(kept)
    assert community.id
