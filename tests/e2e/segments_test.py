"""Segments and exports: kept filters, files of their members, and the way back through the bulk update."""

import csv
import gzip
import io
import json
import random

import pytest

from client import IMPORT, UPDATE
from conftest import open_club
from files import email, members
from memory_test import OVER_IDLE_KIB_MAX, Peak

MEMBERS, PEOPLE = 60, 61  # with the owner
SEGMENTS = "/v1/segments"
EXPORT = "/v1/users/export"
FIELDS = [("Nick, name", "text"), ("Story", "multi-line-text"), ("Score", "numerical"), ("Since", "date"), ("VIP", "boolean"), ("Plan", "select")]
OPTIONS = ["basic", "gold, \"plus\"", "=max"]
TEXTS = ["plain", "with, comma", "with \"quotes\"", "=1+1", "-5", "'tis", "'=x", "@all", "<clear>", "＝full", "ünï ☂", "a;b\tc", "sep=;"]


def post_json(api, path, body, headers=None):
    return api.post(path, json.dumps(body).encode(), headers)


def make(api, body):
    answer = post_json(api, SEGMENTS, body)
    assert answer.status == 201, answer
    return answer.json["data"]["_id"]


def rows_of(answer):
    """The header and the rows, read by another CSV reader than our own."""
    assert answer.status == 200, answer
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.body.startswith(b"\xef\xbb\xbf"), answer.body[:100]
    header, *rows = csv.reader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""))
    return header, rows


def written(header, rows):
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\r\n").writerows([header, *rows])
    return out.getvalue().encode()


@pytest.fixture(scope="module")
def rich(tmp_path_factory, engine):
    """Members with values of every kind, some without any."""
    from harness import Installation

    installation = Installation(tmp_path_factory.mktemp("rich"), engine)
    club = open_club(installation, MEMBERS)
    path = f"/v1/communities/{club.community.id}/user-fields"
    for name, kind in FIELDS:
        body = {"name": name, "type": kind, "field": name.split(",")[0], **({"options": OPTIONS} if kind == "select" else {})}
        assert post_json(club.api, path, body).status == 201
    for command, name in (("role", "Trader"), ("role", "Über-Chief"), ("tag", "vip"), ("tag", "a b")):
        installation.command(command, "create", "--community", club.community.id, "--title" if command == "role" else "--name", name)
    dice = random.Random(7)
    header = ["Email", "First Name", "Phone", "Country", "Language", "Role", "Tag", "XP_op", "XP", "Coins_op", "Coins",
              *[name for name, _ in FIELDS]]
    rows = []

    def guarded(text):
        return "'" + text if text and text[0] in "'=+-@＝＋－＠\t\n" or text == "<clear>" else text

    for n in range(1, 51):
        text = TEXTS[n % len(TEXTS)]
        rows.append([email(n), guarded(text if n % 3 else "Ana"), "'+65 6123 45" + str(n), dice.choice(["SG", "Germany", ""]),
                     dice.choice(["English", "pt-BR", "de", ""]), dice.choice(["", "Trader", "Über-Chief,Trader"]),
                     dice.choice(["", "vip", "a b, vip"]), "add", str(n), "add", f"{n}.{n:06}",
                     guarded(text.replace("\t", " ")), guarded(text + "\nsecond \"line\"," + text), str(dice.choice([-1.5, 0, 12345.678901, ""])),
                     dice.choice(["2026-02-28", "2024-02-29T10:00:00.123Z", "", ""]), dice.choice(["true", "false", ""]),
                     guarded(dice.choice([*OPTIONS, ""]))])
    for row in rows:
        row[1] = row[1].replace("\t", " ")[:50]
    status = club.api.run(UPDATE, written(header, rows))
    assert status["failed"] == 0, club.api.details(status["_id"], status="failed", limit=3)
    yield club
    installation.close()


def test_an_export_is_what_the_bulk_update_reads_as_the_same_values(rich):
    for query in ({}, {"balances": "overwrite"}, {"fields": ["email", "xp", "role", "Plan"], "balances": "overwrite"},
                  {"fields": ["username", "Story", "join_date", "status", "_id", "first_name", "tag"]}):
        answer = post_json(rich.api, EXPORT, query)
        header, rows = rows_of(answer)
        assert len(rows) == PEOPLE and header[0] == "User ID"
        history = rich.installation.database().rows("SELECT count(*) AS n FROM field_history")
        status = rich.api.run(UPDATE, answer.body)
        assert (status["total"], status["unchanged"], status["failed"]) == (PEOPLE, PEOPLE, 0), (query, rich.api.row_errors(status["_id"]))
        # A spreadsheet program writes it in its own manner.
        status = rich.api.run(UPDATE, written(header, rows))
        assert (status["unchanged"], status["failed"]) == (PEOPLE, 0), query
        assert rich.installation.database().rows("SELECT count(*) AS n FROM field_history") == history
        assert post_json(rich.api, EXPORT, query).body == answer.body


def test_what_is_edited_in_an_export_is_what_changes(rich):
    answer = post_json(rich.api, EXPORT, {"balances": "overwrite"})
    header, rows = rows_of(answer)
    edited = [list(row) for row in rows]
    for column, value in (("Phone", "'+49 30 1234"), ("Role", "Trader"), ("Coins", "7.5"), ("Score", "-2.25"), ("Nick, name", "'=new"), ("Tag", "a b")):
        edited[52][header.index(column)] = value
    status = rich.api.run(UPDATE, written(header, edited))
    assert (status["updated"], status["unchanged"], status["failed"]) == (1, PEOPLE - 1, 0)
    again = rows_of(post_json(rich.api, EXPORT, {"balances": "overwrite"}))
    assert again == (header, edited)


def test_notes_of_balances_are_not_applied(rich):
    header, rows = rows_of(post_json(rich.api, EXPORT, {"fields": ["coins", "phone"], "filter": {"email": email(1)}}))
    assert header == ["User ID", "#Coins", "Phone"]
    rows[0][1] = "999999"
    rows[0][2] = "'+1 555 0100"
    status = rich.api.run(UPDATE, written(header, rows))
    assert status["updated"] == 1
    assert rows_of(post_json(rich.api, EXPORT, {"fields": ["coins", "phone"], "filter": {"email": email(1)}}))[1][0][1] == "1.000001"


def test_segments_over_http(rich):
    api = rich.api
    everybody = {m["user_id"] for m in post_json(api, "/v1/users/filter", {"fields": ["user_id"]}).json["data"]["users"]}
    body = {"name": "Traders", "filter": {"role": {"in": ["Trader"]}, "Score": {"not": None}}, "columns": ["user_id", "Score"]}
    made = make(api, body)
    users = post_json(api, f"{SEGMENTS}/{made}/users", {}).json["data"]["users"]
    same = post_json(api, "/v1/users/filter", {"fields": ["user_id", "Score"], "filter": body["filter"]}).json["data"]["users"]
    assert users == same and 0 < len(users) < len(everybody)
    assert api.get(f"{SEGMENTS}/{made}/count").json["data"] == {"total": len(users)}
    file = api.get(f"{SEGMENTS}/{made}/export?layout=plain")
    assert "Traders.csv" in file.headers["Content-Disposition"]
    header, rows = rows_of(file)
    assert header == ["user_id", "Score"] and [row[0] for row in rows] == [user["user_id"] for user in users]
    packed = api.get(f"{SEGMENTS}/{made}/export?layout=plain", {"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip" and gzip.decompress(packed.body) == file.body

    without = make(api, {"name": "All but traders", "filter": {"role": {"not": "Trader"}}})
    others = {user["user_id"] for user in post_json(api, f"{SEGMENTS}/{without}/users", {"fields": ["user_id"]}).json["data"]["users"]}
    traders = {u["user_id"] for u in post_json(api, "/v1/users/filter", {"fields": ["user_id"], "filter": {"role": "Trader"}}).json["data"]["users"]}
    assert others | traders == everybody and not others & traders

    listed = api.get(f"{SEGMENTS}?sort=name:desc&search=keyword:TRADERS").json
    assert [s["name"] for s in listed["data"]] == ["Traders", "All but traders"] and listed["pagination"]["total"] == 2
    field = next(f for f in api.get(f"/v1/communities/{rich.community.id}/user-fields?type=custom").json["data"] if f["name"] == "Score")
    refused = api.request("DELETE", f"/v1/communities/{rich.community.id}/user-fields/{field['_id']}")
    assert refused.status == 409 and refused.code == "field_in_use"
    assert refused.json["usedBy"] == [{"kind": "segment", "id": made, "name": "Traders"}]
    for segment in (made, without):
        assert api.request("DELETE", f"{SEGMENTS}/{segment}").status == 200
        assert api.get(f"{SEGMENTS}/{segment}/export").status == 404


def test_a_key_that_reads_members_defines_no_segments(rich):
    reads = rich.community.create_key("getUserData")
    reader, blind = rich.server.api(reads), rich.server.api(rich.community.create_key("userFields"))
    assert post_json(reader, SEGMENTS, {"name": "x", "filter": {}}).status == 401
    assert post_json(blind, SEGMENTS, {"name": "x", "filter": {}}).status == 401
    made = make(rich.api, {"name": "Readable", "filter": {"country": "SG"}})
    assert reader.get(f"{SEGMENTS}/{made}/count").status == 200
    assert rows_of(reader.get(f"{SEGMENTS}/{made}/export"))[1]
    assert rows_of(post_json(reader, EXPORT, {"fields": ["user_id"]}))[1]
    for api, path in ((blind, f"{SEGMENTS}/{made}/export"), (blind, f"{SEGMENTS}/{made}")):
        assert api.get(path).status == 401
    assert post_json(blind, EXPORT, {}).status == 401
    entries = rich.installation.database().rows("SELECT actor_id FROM audit_entries WHERE action IN ('export.users', 'export.segment')")
    assert [entry["actor_id"] for entry in entries].count(reads.text.rsplit("_", 1)[0]) == 2


@pytest.mark.slow
def test_memory_stays_flat_while_a_hundred_thousand_members_are_exported(installation):
    club = open_club(installation, 0)
    for first in range(1, 100_001, 20_000):
        assert club.api.run(IMPORT, members(20_000, first), 120)["created"] == 20_000
    peak = Peak(club.server)
    connection = club.api.connect()
    connection.request("POST", EXPORT, b"{}", club.api.headers())
    answer = connection.getresponse()
    lines = 0
    while piece := answer.read(1 << 20):
        lines += piece.count(b"\n")
    connection.close()
    assert lines == 100_001
    assert peak.over_idle_kib() < OVER_IDLE_KIB_MAX
