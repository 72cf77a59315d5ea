"""The published requests of accounts, keys and users, and the names and types of their answers, as a program meets them."""

import json
import re
import types

import pytest

import client
from files import members
from harness import Installation
from people import Letters, Person

PREFIXES = ["/v1", "/apis/v1", "/api/v1/apis/v1"]
SYSTEM_PREFIXES = ["", "/api/v1", "/v1"]
PASSWORD = "correct horse battery-1"

# What a place of an answer may hold. A dict names members that must be there (others may), a list of one its items' shape.
ID = re.compile(r"[0-9a-f]{24}")
NUMBER_TEXT = re.compile(r"[1-9][0-9]*")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
NUMBER = (int, float)


class Maybe:
    def __init__(self, shape):
        self.shape = shape


def differences(shape, value, place=""):
    if isinstance(shape, Maybe):
        return [] if value is None else differences(shape.shape, value, place)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{place}: {value!r} is no object"]
        gone = [f"{place}/{name}: is not there" for name in shape if name not in value]
        return gone + [d for name, inner in shape.items() if name in value for d in differences(inner, value[name], f"{place}/{name}")]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{place}: {value!r} is no list"]
        return [d for n, item in enumerate(value) for d in differences(shape[0], item, f"{place}/{n}")]
    if isinstance(shape, re.Pattern):
        return [] if isinstance(value, str) and shape.fullmatch(value) else [f"{place}: {value!r} is not like {shape.pattern}"]
    if isinstance(shape, (type, tuple)):
        right = isinstance(value, shape) and (shape is bool or not isinstance(value, bool))
        return [] if right else [f"{place}: {value!r} is no {shape}"]
    return [] if value == shape and type(value) is type(shape) else [f"{place}: {value!r} is not {shape!r}"]


def assert_like(shape, answer, status=200):
    assert answer.status == status, answer
    wrong = differences(shape, answer.json)
    assert not wrong, (wrong, answer)


def integration(message, data):
    return {"status": "success", **({"message": message} if message else {}), **({"data": data} if data is not None else {})}


def application(message, data, status=200, **meta):
    return {"meta": {"status": "success", "statusCode": status, **meta}, "message": message, "data": data}


@pytest.fixture(scope="module")
def hall(tmp_path_factory, engine):
    """A community with an owner who is signed in, members and a field of each kind."""
    installation = Installation(tmp_path_factory.mktemp("hall"), engine)
    server = installation.start("--public-url", "https://club.example.org/")
    community = installation.create_community()
    key = community.create_key()
    api = server.api(key)
    assert api.run(client.IMPORT, members(5))["created"] == 5
    person = Person(server)
    link = installation.command_json("account", "claim-link", "--email", "owner@example.org")["token"]
    person.post("/auth/claim", {"token": link, "password": PASSWORD, "confirmPassword": PASSWORD})
    owner = person.post("/auth/login", {"email": "owner@example.org", "password": PASSWORD})["body"]
    token = owner["token"]
    for name, kind in (("Deposit amount", "numerical"), ("Account type", "single-line-text"), ("VIP", "boolean"), ("Renewal", "date")):
        body = {"name": name, "field": name.lower(), "type": kind}
        assert server.api(token).post(f"/v1/communities/{community.id}/user-fields", json.dumps(body)).status == 201
    yield types.SimpleNamespace(installation=installation, server=server, community=community, api=api, owner=server.api(token), owner_id=owner["user"]["_id"])
    installation.close()


USER_DATA = {
    "userId": NUMBER_TEXT, "username": str, "xp": NUMBER, "coins": NUMBER, "roles": [str], "highestRole": str, "firstName": Maybe(str),
    "lastName": Maybe(str), "xpEarnedToday": NUMBER, "coinsEarnedToday": NUMBER, "language": Maybe(str), "totalMessages": int,
    "totalReactions": int, "visitCount": int, "replySent": int, "timeSpent": int, "loginStreak": int,
    "customFields": {"deposit-amount": Maybe(NUMBER), "account-type": Maybe(str), "vip": Maybe(bool), "renewal": Maybe(str)},
    "_id": ID, "email": str, "displayName": Maybe(str), "avatar": Maybe(str), "phone": Maybe(str), "country": Maybe(str),
    "premiumCurrency": NUMBER, "tags": [str], "joinedAt": TIME, "lastOnline": Maybe(TIME), "status": "active", "suspendedUntil": None,
    "referredBy": None}
COUNTS = {"messages": int, "replies": int, "reaction": int, "socials": int}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_users_are_made_looked_at_found_deleted_and_restored(hall, prefix):
    name = "mia" + str(PREFIXES.index(prefix))
    body = {"firstname": "Mia", "lastname": "Lu", "displayname": "Mia", "username": name, "email": f"{name}@example.org", "accessLevel": 0,
            "joinServer": True, "sendEmail": False, "emailPassword": False, "emailTemplate": "0", "password": PASSWORD, "confirmPassword": PASSWORD,
            "customFields": [{"fieldIdorName": "deposit-amount", "value": 12.5}, {"fieldIdorName": "VIP", "value": True},
                             {"fieldIdorName": "renewal", "value": "2027-02-28"}]}
    made = hall.api.post(f"{prefix}/users", json.dumps(body))
    assert_like(integration("User created successfully", {"userId": NUMBER_TEXT, "_id": ID, "username": name, "email": f"{name}@example.org",
                                                          "status": "active", "warnings": [str]}), made)
    user_id = made.json["data"]["userId"]
    assert_like({"status": "error", "code": "username_taken", "message": str, "requestId": str},
                hall.api.post(f"{prefix}/users", json.dumps({**body, "email": "other@example.org"})), 409)

    for who in (user_id, name, name.upper(), f"{name}@example.org", f" {name.upper()}@Example.ORG ", made.json["data"]["_id"]):
        seen = hall.api.post(f"{prefix}/users/info", json.dumps({"idOrEmail": who}))
        assert_like(integration(None, {**USER_DATA, "userId": user_id, "customFields": {"deposit-amount": 12.5, "vip": True, "renewal": "2027-02-28",
                                                                                        "account-type": None}}), seen)
    for alias in ("filter", "filters", "search"):
        found = hall.api.post(f"{prefix}/users/{alias}", json.dumps({
            "fields": ["email", "first_name", "last_name", "join_date", "xp", "coins", "deposit-amount"], "filter": {"email": f"{name}@example.org"}}))
        assert_like(integration("Users fetched successfully", {
            "users": [{"email": f"{name}@example.org", "first_name": "Mia", "last_name": "Lu", "join_date": str, "xp": NUMBER, "coins": NUMBER,
                       "deposit-amount": 12.5}], "total": 1, "total_pages": 1, "current_page": 1}), found)
        assert len(found.json["data"]["users"]) == 1 and "next_cursor" not in found.json["data"]

    for identifier_type, identifier in (("email", f"{name}@example.org"), ("id", user_id), ("username", name)):
        query = {"identifier": identifier, "identifier_type": identifier_type, "days": 3}
        for stats in (hall.api.post(f"{prefix}/users/activity/stats", json.dumps(query)),
                      hall.api.get(f"{prefix}/users/activity/stats?identifier={identifier}&identifier_type={identifier_type}&days=3")):
            assert_like(integration("User gamification stats fetched successfully", {
                "user_id": user_id, "range": {"start_date": DAY, "end_date": DAY}, "totals": COUNTS, "daily_stats": [{"date": DAY, **COUNTS}]}), stats)
            days = [day["date"] for day in stats.json["data"]["daily_stats"]]
            assert len(days) == 3 and days == sorted(days, reverse=True)

    for action in ("delete", "restore"):
        for _ in range(2):  # both are idempotent
            done = hall.api.post(f"{prefix}/users/manage", json.dumps({"action": action, "user": name}))
            assert_like({**integration(f"User {action}d successfully", {"action": action, "user": name, "userId": user_id}),
                         "action": action, "user": name}, done)
        expected = 404 if action == "delete" else 200
        assert hall.api.post(f"{prefix}/users/info", json.dumps({"idOrEmail": name})).status == expected


KEY = {"_id": ID, "name": str, "key": str, "permissions": [str], "expirePeriod": int, "expireDate": Maybe(str), "createdAt": TIME, "updatedAt": TIME}


@pytest.mark.parametrize("prefix", PREFIXES)
def test_keys_of_a_community_are_managed_by_its_owner(hall, prefix):
    keys = f"{prefix}/communities/{hall.community.id}/api-keys"
    body = {"name": f"CRM {PREFIXES.index(prefix)}", "permissions": ["Get User Data", "bulkUpdateUser"], "expirePeriod": 30, "expireDate": ""}
    made = hall.owner.post(keys, json.dumps(body))
    shape = {**KEY, "permissions": [re.compile("getUserData|bulkUpdateUser")], "expirePeriod": 30}
    assert_like(application("Create API key success.", shape, 201), made, 201)
    key = made.json["data"]
    assert hall.server.api(key["key"]).post("/v1/users/info", json.dumps({"idOrEmail": "nobody@example.org"})).status == 404
    assert_like(application("Get API keys success.", [KEY], page=1, limit=20, total=int), hall.owner.get(keys))
    assert_like(application("Get API key success.", {**shape, "key": re.compile(r"fk_\w{8}…")}), hall.owner.get(f"{keys}/{key['_id']}"))
    changed = hall.owner.request("PUT", f"{keys}/{key['_id']}", json.dumps({"permissions": ["getUserData"], "isActive": False}))
    assert_like(application("Update API key success.", {**KEY, "permissions": ["getUserData"], "isActive": False}), changed)
    assert_like(application("Delete API key success.", KEY), hall.owner.request("DELETE", f"{keys}/{key['_id']}"))
    assert_like({"meta": {"status": "error", "statusCode": 404}, "code": str, "message": str, "requestId": str},
                hall.owner.request("DELETE", f"{keys}/{key['_id']}"), 404)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_user_keys_are_managed_by_the_user_in_both_spellings(hall, prefix):
    body = {"name": f"mine {PREFIXES.index(prefix)}", "permissions": ["readOwnProfile"], "expirePeriod": 0, "expireDate": "",
            "communityId": hall.community.id}
    first, second = f"{prefix}/users/apikeys?userId={hall.owner_id}", f"{prefix}/users/{hall.owner_id}/api-keys"
    made = hall.owner.post(first, json.dumps(body))
    assert_like(application("Create API key success.", {**KEY, "userId": str, "communityId": hall.community.id}, 201), made, 201)
    key = made.json["data"]
    assert_like(application(str, {"name": body["name"], "permissions": ["readOwnProfile"], "communityId": hall.community.id, "isActive": True, "kind": "user"}),
                hall.server.api(key["key"]).get(f"{prefix}/users/apikeys/info"))
    own = hall.server.api(key["key"]).get(f"{prefix}/users/{hall.owner_id}")
    assert_like(application("Get user success.", {"_id": hall.owner_id, "id": int, "avatar": Maybe(str), "displayName": Maybe(str), "username": str,
                                                  "firstName": Maybe(str), "lastName": Maybe(str), "email": str, "isOnline": bool,
                                                  "lastLogin": Maybe(TIME)}), own)
    for listing in (first, second):
        assert_like(application(str, [KEY], total=int), hall.owner.get(listing))
    for change in (f"{first}&apiKeyId={key['_id']}", f"{second}/{key['_id']}"):
        assert_like(application(str, {**KEY, "name": "renamed"}), hall.owner.request("PUT", change, json.dumps({"name": "renamed"})))
    assert_like(application(str, KEY), hall.owner.request("DELETE", f"{second}/{key['_id']}"))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_users_of_a_community_as_the_application_shows_them(hall, prefix):
    user = {"_id": ID, "id": int, "avatar": Maybe(str), "displayName": Maybe(str), "username": str, "firstName": Maybe(str), "lastName": Maybe(str),
            "email": str, "isOnline": bool, "lastLogin": Maybe(TIME)}
    listed = hall.owner.get(f"{prefix}/communities/{hall.community.id}/users?limit=3")
    assert_like(application("Get community users success.", [{**user, "roles": [str], "tags": [str], "joinedAt": TIME, "status": str}],
                            page=1, limit=3, total=int), listed)
    assert len(listed.json["data"]) == 3
    one = hall.owner.get(f"{prefix}/communities/{hall.community.id}/users/{listed.json['data'][0]['_id']}")
    assert_like(application(str, user), one)
    flagged = hall.owner.get(f"{prefix}/communities/{hall.community.id}/users/{listed.json['data'][0]['_id']}?username=true&email=true")
    assert sorted(flagged.json["data"]) == ["email", "username"]


@pytest.mark.parametrize("prefix", SYSTEM_PREFIXES)
def test_people_register_verify_and_sign_in(hall, prefix):
    name = f"ned{SYSTEM_PREFIXES.index(prefix)}"
    body = {"firstname": "Ned", "lastname": "Oh", "username": name, "displayname": "Ned", "email": f"{name}@example.org", "password": PASSWORD,
            "confirmPassword": PASSWORD}
    system = {"x-api-key": hall.community.system_key}
    registered = hall.server.api().post(f"{prefix}/auth/register", json.dumps(body), system)
    assert_like({"meta": {"success": True, "message": "User has been registered successfully", "devMessage": str},
                 "body": {"_id": ID, "id": (int, str), "username": name, "email": f"{name}@example.org", "displayname": "Ned", "emailVerified": False,
                          "createdAt": TIME}}, registered)
    early = hall.server.api().post(f"{prefix}/auth/login", json.dumps({"email": body["email"], "password": PASSWORD}))
    assert early.status in (401, 403) and set(early.json) >= {"meta", "body", "code", "requestId"}
    letter = Letters(hall.installation).next(body["email"])
    code = re.search(r"\b(\d{6})\b", letter).group(1)
    verified = hall.server.api().post(f"{prefix}/auth/verify-email", json.dumps({"email": body["email"], "code": code}))
    assert_like({"meta": {"success": True, "message": "Email has been verified successfully", "devMessage": str},
                 "body": {"_id": ID, "id": (int, str), "email": body["email"], "emailVerified": True}}, verified)
    for who in ({"email": body["email"]}, {"username": name}):
        assert_like({"meta": {"success": True, "message": "User has been logged in successfully", "devMessage": str},
                     "body": {"token": str, "refreshToken": str, "expiresIn": 3600,
                              "user": {"_id": ID, "id": (int, str), "username": name, "email": body["email"], "displayname": "Ned", "emailVerified": True}}},
                    hall.server.api().post(f"{prefix}/auth/login", json.dumps({**who, "password": PASSWORD})))
    wrong = hall.server.api().post(f"{prefix}/auth/login", json.dumps({"email": body["email"], "password": PASSWORD + "x"}))
    assert_like({"meta": {"success": False, "message": str, "devMessage": str}, "body": None, "code": "invalid_credentials", "requestId": str}, wrong, 401)
