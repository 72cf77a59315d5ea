"""The wall between communities: whatever operation is tried, with whatever id of another community in whatever place, it gives
and changes nothing of that community, and its answer is the one that an id gets which nobody has.

The operations come from the program's own document, so a new one is tried as soon as it is declared.
"""

import json
import re
import types

import pytest

from client import IMPORT, PREMIUM
from conftest import open_club
from files import email, premium
from harness import ROOT

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
SECRET = "theirs-alone"


def operations():
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "put", "post", "delete", "patch") and operation.get("security") and path not in MAKES_ACCOUNTS:
                yield method.upper(), path, operation


def public_id(number, created_at_ms):
    return f"{created_at_ms // 1000:08x}{number:016x}"


def find_schema(schema):
    while "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


@pytest.fixture(scope="module")
def walls(tmp_path_factory, engine):
    """Two communities with two members in common; the other one has a member, a job, a field, a segment and a key of its own."""
    from harness import Installation

    installation = Installation(tmp_path_factory.mktemp("walls"), engine)
    club = open_club(installation, 2)
    other = installation.create_community("Other club")
    key = other.create_key()
    theirs = club.server.api(key)
    rows = [f"Their{n},{SECRET},their{n},their{n}@example.org" for n in (1, 2)] + [f"Shared,{SECRET},,{email(n)}" for n in (1, 2)]
    theirs.run(IMPORT, "\r\n".join(["First Name,Last Name,Username,Email", *rows, ""]).encode())
    job = theirs.run(PREMIUM, premium([("their1@example.org", "add", 5)]))["_id"]
    field = installation.command_json("field", "create", "--community", other.id, "--name", "Their field", "--type", "text", "--identifier")
    segment = theirs.post("/v1/segments", json.dumps({"name": SECRET, "filter": {}}).encode()).json["data"]["_id"]
    database = installation.database()
    member = database.rows("SELECT account_id, created_at FROM accounts WHERE email_key = 'their1@example.org'")[0]
    ids = {
        "communityId": other.id, "apiKeyId": key.id, "id": job, "jobId": job, "fieldId": field["_id"], "segmentId": segment,
        "userId": public_id(int(member["account_id"]), int(member["created_at"])), "number": "7",
    }
    names = {"their1@example.org", "their1", str(member["account_id"]), ids["userId"]}
    yield types.SimpleNamespace(installation=installation, club=club, other=other, ids=ids, names=names, database=database)
    installation.close()


UNKNOWN_ID = "6b0000000000000000abcdef"
# What makes an account says whether its e-mail and username are free, since accounts belong to the whole installation
# (identity.md); that nothing of the other community comes with it is tested where those operations are.
MAKES_ACCOUNTS = {"/auth/register", "/v1/users", "/api/secureAuth"}


def unknown_like(name):
    """Nobody's name of the same kind and length."""
    if re.fullmatch("[0-9a-f]{24}", name):
        return "6b0000000000000000abcdff"
    if name.isdigit():
        return "9" * len(name)
    return "nobod" + name[5:]


def value_of(schema, name, person):
    schema = find_schema(schema)
    if "anyOf" in schema:
        schema = find_schema(schema["anyOf"][0])
    if re.fullmatch("identifier|idOrEmail|user|userId|sender|email|username|identifiers?", name):
        return person
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {k: value_of(v, k, person) for k, v in schema.get("properties", {}).items() if k in schema.get("required", [])}
    if kind == "array":
        return [value_of(schema.get("items", {}), name, person)]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return True if kind == "boolean" else "x1-value"


def body_of(operation, person):
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" not in content:
        return None
    schema = find_schema(content["application/json"]["schema"])
    wanted = {}
    for name, property_ in schema.get("properties", {}).items():
        if name in schema.get("required", []) or re.fullmatch("identifier|idOrEmail|user|action|op|amount|currency|reason", name):
            wanted[name] = value_of(property_, name, person)
    if "action" in wanted:
        wanted["action"] = "delete"
    return wanted


def tables_of(database, engine, community):
    """Every row of the community, and its people's accounts."""
    names = database.rows("SELECT name FROM sqlite_master WHERE type = 'table'" if engine == "sqlite"
                          else "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")
    out = {}
    for name in sorted(row["name"] for row in names):
        columns = database.rows(f"SELECT * FROM {name} LIMIT 1")
        if columns and "community_id" in columns[0] and name not in ("key_usage", "api_logs"):
            rows = database.rows(f"SELECT * FROM {name} WHERE community_id = {community}")
            out[name] = sorted(json.dumps({k: str(v) for k, v in row.items() if k != "last_used_at"}, sort_keys=True) for row in rows)
    out["accounts"] = sorted(json.dumps({k: str(v) for k, v in row.items()}, sort_keys=True)
                             for row in database.rows("SELECT * FROM accounts WHERE email_key LIKE 'their%'"))
    return out


def said(answer, asked):
    """An answer without what differs between any two requests, and without the id that was asked for."""
    text = re.sub(rf"(?<!\w){re.escape(asked)}(?!\w)", "<id>", answer.body.decode("utf-8", "replace"))
    text = re.sub(r'"requestId":"[^"]*"', '"requestId":""', text)
    return answer.status, text


def test_no_operation_reaches_over_the_wall(walls, engine):
    number = int(walls.other.id[8:], 16)
    before = tables_of(walls.database, engine, number)
    assert sum(len(rows) for rows in before.values()) > 20
    credentials = {"key": walls.club.api.headers(), "system": {"X-API-Key": walls.club.community.system_key}}
    tried = 0
    for method, path, operation in operations():
        parameters = re.findall(r"\{(\w+)\}", path)
        bodies = operation.get("requestBody", {}).get("content", {})
        if "multipart/form-data" in bodies and "application/json" not in bodies:
            continue  # uploads name members in their rows: bulk_import_dbtest and the property tests try those
        # Each place alone, then all of them; the other places hold what is ours.
        for person in sorted(walls.names):
            for place in [*parameters, "body"]:
                def filled(value, name):
                    if name == place:
                        return value
                    return walls.club.community.id if name == "communityId" else UNKNOWN_ID
                if place == "body" and not body_of(operation, person):
                    continue
                theirs = walls.ids.get(place, walls.ids["userId"])
                pairs = []
                for value, who in ((theirs, person), (unknown_like(theirs), unknown_like(person))):
                    url = re.sub(r"\{(\w+)\}", lambda m: filled(value, m.group(1)), path)
                    body = body_of(operation, who)
                    for name, headers in credentials.items():
                        answer = walls.club.api.request(method, url, json.dumps(body) if body is not None else None,
                                                        {"Authorization": "", **headers, "Content-Type": "application/json"})
                        assert SECRET not in answer.body.decode("utf-8", "replace"), (method, url, answer)
                        assert answer.status != 500, (method, url, answer)
                        pairs.append((name, said(answer, who if place == "body" else value)))
                        tried += 1
                half = len(pairs) // 2
                assert pairs[:half] == pairs[half:], (method, path, place, person)
            if not body_of(operation, person):
                break  # the body names nobody: one round is enough
    assert tried > 50
    assert tables_of(walls.database, engine, number) == before
