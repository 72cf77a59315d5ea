"""A definition of a field changes while a bulk job writes its values: every row succeeds or says why, and no value is a wrong one."""

import json

import pytest

from client import IMPORT, UPDATE
from conftest import open_club
from files import email, members
from harness import wait_until
from people import Person

MEMBERS, TIMES = 100, 1_200
PASSWORD = "correct horse battery-1"


@pytest.fixture
def club(installation):
    made = open_club(installation, MEMBERS)
    person = Person(made.server)
    link = installation.command_json("account", "claim-link", "--email", "owner@example.org")["token"]
    person.post("/auth/claim", {"token": link, "password": PASSWORD, "confirmPassword": PASSWORD})
    token = person.post("/auth/login", {"email": "owner@example.org", "password": PASSWORD})["body"]["token"]
    made.owner = made.server.api(token)
    made.fields = f"/v1/communities/{made.community.id}/user-fields"
    return made


def make_field(club, **body):
    answer = club.owner.post(club.fields, json.dumps(body))
    assert answer.status == 201, answer
    return answer.json["data"]["_id"]


def change(club, field, **body):
    return club.owner.request("PUT", f"{club.fields}/{field}", json.dumps(body))


def file_of(header, value, times=TIMES):
    """Each member's value, again and again; the rounds differ, so that every row changes something."""
    rows = (f"{email(n)},{value(round_, n)}\n" for round_ in range(times) for n in range(1, MEMBERS + 1))
    return (f"Email,{header}\n" + "".join(rows)).encode()


def begun(club, job):
    status = wait_until(lambda: (s := club.api.job(job))["processed"] > 0 and s, 30, "the job has begun")
    assert status["status"] == "processing", "the job was too short"


def values(club, key):
    listed = club.api.post("/v1/users/filter", json.dumps({"fields": ["email", key], "filter": {}}))
    assert listed.status == 200, listed
    return {user["email"]: user[key] for user in listed.json["data"]["users"] if user["email"] != "owner@example.org"}


def test_a_renamed_field_keeps_taking_the_jobs_values(club):
    field = make_field(club, name="Deposit", field="money-in", type="numerical")
    job = club.api.queue(UPDATE, file_of("Deposit", lambda round_, n: f"{round_ + 1}.5"))
    begun(club, job)
    assert change(club, field, name="Money in", type="number").status == 200, "another word for the same kind"
    # The name is free, and whoever takes it gets nothing of the job.
    make_field(club, name="Deposit", field="deposit", type="single-line-text")
    refused = change(club, field, name="Money in", type="multi-line-text")
    assert (refused.status, refused.code) == (409, "type_in_use")
    assert club.api.job(job)["status"] == "processing", "the job was too short"
    done = club.api.wait_for_job(job)
    assert (done["status"], done["updated"], done["failed"]) == ("completed", MEMBERS * TIMES, 0)
    assert set(values(club, "money-in").values()) == {TIMES + 0.5}
    assert set(values(club, "deposit").values()) == {None}
    club.installation.assert_healthy()


def test_a_deleted_field_refuses_the_rows_that_come_behind_it(club):
    field = make_field(club, name="Deposit", field="deposit", type="numerical")
    job = club.api.queue(UPDATE, file_of("Deposit", lambda round_, n: round_ + 1))
    begun(club, job)
    assert club.owner.request("DELETE", f"{club.fields}/{field}").status == 200
    again = make_field(club, name="Deposit", field="deposit", type="single-line-text")
    assert again != field
    done = club.api.wait_for_job(job)
    assert (done["status"], done["updated"] + done["failed"]) == ("completed", MEMBERS * TIMES)
    assert done["updated"] > 0 and done["failed"] > 0, "the job was too short"
    assert {code for _, code in club.api.row_errors(job)} == {"field_removed"}
    assert set(values(club, "deposit").values()) == {None}, "the new field of that name got nothing"
    club.installation.assert_healthy()


def test_an_option_goes_only_while_nobody_has_it_and_then_rows_that_name_it_are_refused(club):
    field = make_field(club, name="Plan", field="plan", type="select", options=["gold", "silver", "bronze"])
    # Bronze comes at the end of the file alone.
    job = club.api.queue(UPDATE, file_of("Plan", lambda round_, n: "bronze" if round_ == TIMES - 1 else ("gold", "silver")[round_ % 2]))
    begun(club, job)
    refused = change(club, field, name="Plan", type="select", options=["silver", "bronze"])
    gone = change(club, field, name="Plan", type="select", options=["gold", "silver"])
    assert club.api.job(job)["status"] == "processing", "the job was too short"
    done = club.api.wait_for_job(job)
    assert done["status"] == "completed" and done["updated"] + done["failed"] + done["unchanged"] == MEMBERS * TIMES
    assert refused.status in (200, 409)
    options = club.owner.get(f"{club.fields}/{field}").json["data"]["options"]
    assert gone.status == 409 or options == ["gold", "silver"]
    assert set(values(club, "plan").values()) <= {*options, None}
    if done["failed"]:
        assert {code for _, code in club.api.row_errors(job)} == {"invalid_option"}
    club.installation.assert_healthy()
