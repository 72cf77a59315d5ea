"""The secrets of people: said once to whom they are for, then in no log, row, file, metric or other answer."""

import base64
import hashlib
import hmac
import json
import re
import struct
import time
import urllib.parse

from people import Letters, Person

FIRST, SECOND, THIRD = "first horse battery-1", "second horse battery-2", "third horse battery-3"
HOST = "club.example.org"


def one_time_code(secret_base32, at_s):
    """RFC 6238 with SHA-1, 30 seconds, 6 digits."""
    key = base64.b32decode(secret_base32 + "=" * (-len(secret_base32) % 8))
    digest = hmac.new(key, struct.pack(">Q", int(at_s) // 30), hashlib.sha1).digest()
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start:start + 4])[0] & 0x7fffffff) % 1_000_000:06}"


def token_in(letter):
    return re.search(r"token=(\w+)", letter).group(1)


def forms_of(secret):
    """A secret as it may stand somewhere: plain, and in the encodings that hide nothing."""
    raw = secret.encode()
    yield raw
    yield json.dumps(secret)[1:-1].encode()
    yield urllib.parse.quote(secret, safe="").encode()
    yield urllib.parse.quote_plus(secret).encode()
    yield raw.hex().encode()
    for skipped in range(3):  # base64 looks different at each of three places
        yield base64.b64encode(raw[skipped:])[:len(raw) * 4 // 3 - 6]


def test_what_a_person_keeps_secret_is_stored_and_shown_nowhere(installation):
    community = installation.create_community()
    installation.command("community", "set", "--community", community.id, "--host", HOST)
    server = installation.start("--log-level", "debug", "--public-url", f"https://{HOST}/")
    letters, secrets, person = Letters(installation), {}, Person(server)

    # The owner: a claimed account, a second factor, keys of all kinds.
    link = installation.command_json("account", "claim-link", "--email", "owner@example.org")["token"]
    person.post("/auth/claim", {"token": link, "password": FIRST, "confirmPassword": FIRST})
    body = person.post("/auth/login", {"email": "owner@example.org", "password": FIRST})["body"]
    token, owner_id = body["token"], body["user"]["_id"]
    secrets |= {"claim link": link, "password": FIRST, "token": token, "refresh token": body["refreshToken"]}
    again = person.post("/auth/refresh", {"refreshToken": body["refreshToken"]})["body"]
    token = again["token"]
    secrets |= {"second token": token, "second refresh token": again["refreshToken"]}
    setup = person.post("/auth/second-factor/setup", {"currentPassword": FIRST}, key=token)["body"]
    began_s = time.time()
    confirmed = person.post("/auth/second-factor/confirm", {"code": one_time_code(setup["secret"], began_s)}, key=token)
    recovery = confirmed["body"]["recoveryCodes"]
    secrets |= {"second factor": setup["secret"], **{f"recovery code {n}": code for n, code in enumerate(recovery)}}
    challenge = person.ask("POST", "/auth/login", {"email": "owner@example.org", "password": FIRST}, expect=401).json["body"]["challenge"]
    signed_in = person.post("/auth/second-factor", {"challenge": challenge, "recoveryCode": recovery[0]})["body"]
    token = signed_in["token"]
    secrets |= {"challenge": challenge, "third token": token, "third refresh token": signed_in["refreshToken"]}
    keys = f"/v1/communities/{community.id}/api-keys"
    made = person.ask("POST", keys, {"name": "CRM", "permissions": ["createUser", "getUserData", "manageUser"]}, key=token, expect=201).json["data"]
    rotated = person.ask("POST", f"{keys}/{made['_id']}/rotate", {"graceSeconds": 60}, key=token, expect=201).json["data"]
    own = person.ask("POST", f"/v1/users/apikeys?userId={owner_id}",
                     {"name": "mine", "permissions": ["readOwnProfile"], "communityId": community.id, "expirePeriod": 0, "expireDate": ""},
                     key=token, expect=201).json["data"]
    system = person.ask("POST", f"/v1/communities/{community.id}/system-key/rotate", {}, key=token, expect=201).json["data"]
    secrets |= {"key": made["key"], "rotated key": rotated["key"], "user key": own["key"], "system key": system["key"]}

    # A member: made with a community password, then he takes his account over, forgets his password and signs in by a link.
    member = {"firstname": "Mia", "lastname": "Lu", "displayname": "Mia", "username": "mia", "email": "mia@example.org", "accessLevel": 0,
              "joinServer": True, "sendEmail": True, "emailPassword": True, "password": SECOND, "confirmPassword": SECOND}
    person.post("/v1/users", member, key=rotated["key"])
    secrets["community password"] = SECOND
    inside = person.post("/auth/login", {"username": "mia", "password": SECOND})["body"]
    secrets |= {"member's token": inside["token"], "member's refresh token": inside["refreshToken"]}
    invitation = token_in(letters.next("mia@example.org"))
    person.post("/auth/forgot-password", {"email": "owner@example.org"})
    reset = token_in(letters.next("owner@example.org"))
    person.post("/auth/reset-password", {"token": reset, "password": THIRD, "confirmPassword": THIRD})
    secrets |= {"invitation": invitation, "reset link": reset, "new password": THIRD}
    secure = person.ask("GET", "/api/secureAuth?action=login&userId=mia&accessLevel=0", headers={"x-api-key": system["key"], "hostname": HOST}).json
    once = urllib.parse.parse_qs(urllib.parse.urlsplit(secure["loginUrl"]).query)["token"][0]
    entered = person.ask("GET", urllib.parse.urlsplit(secure["loginUrl"])._replace(scheme="", netloc="").geturl(), expect=303)
    secrets |= {"sign-in link": once, "cookie": entered.headers["Set-Cookie"].split(";")[0].split("=", 1)[1]}

    # Somebody registers, is told apart by a code, and mistypes it first.
    person.post("/auth/register", {"firstname": "Ned", "lastname": "Oh", "username": "ned", "displayname": "Ned", "email": "ned@example.org",
                                   "password": FIRST + "x", "confirmPassword": FIRST + "x"}, headers={"x-api-key": system["key"]})
    letter = letters.next("ned@example.org")
    code = re.search(r"\b(\d{6})\b", letter).group(1)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    person.ask("POST", "/auth/verify-email", {"email": "ned@example.org", "code": wrong}, expect=400)
    person.post("/auth/verify-email", {"email": "ned@example.org", "code": code})
    secrets |= {"registration's password": FIRST + "x", "verification link": token_in(letter)}

    # What was said once is said. From here on nothing may say it again.
    told = len(person.answers)
    token = person.post("/auth/login", {"username": "ned", "password": FIRST + "x"})["body"]["token"]
    person.ask("GET", "/auth/sessions", key=token)
    person.ask("GET", keys, key=rotated["key"], expect=401)
    person.post("/v1/users/info", {"idOrEmail": "mia"}, key=rotated["key"])
    person.post("/v1/users/filter", {"fields": ["email", "username", "status"]}, key=rotated["key"])
    person.ask("GET", "/metrics")
    person.ask("POST", "/auth/login", {"email": "owner@example.org", "password": FIRST}, expect=401)
    person.ask("POST", "/auth/reset-password", {"token": reset, "password": THIRD, "confirmPassword": THIRD}, expect=400)
    person.ask("POST", "/auth/claim", {"token": link, "password": THIRD, "confirmPassword": THIRD}, expect=400)
    person.ask("POST", "/auth/refresh", {"refreshToken": secrets["refresh token"]}, expect=401)
    person.ask("GET", f"/v1/users/{owner_id}?token={rotated['key']}", key=rotated["key"] + "x", expect=401)
    assert server.stop() == 0

    hidden = {name: list(forms_of(secret)) for name, secret in secrets.items()}
    # Of a key the prefix is public.
    for name in [name for name in secrets if "key" in name]:
        hidden[name] = list(forms_of(secrets[name].rsplit("_", 1)[1]))
    places = [(place, content) for place, content in installation.everything_stored() if "/mail/" not in place]
    for place, content in places + person.answers[told:]:
        for name, forms in hidden.items():
            assert not any(form in content for form in forms), f"{name} stands in {place}"
    assert len(places) > 3 and any(b"auth.login" in content for _, content in places), "the log was looked at"
