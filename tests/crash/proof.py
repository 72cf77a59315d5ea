"""After a round: the program's own doctor, and the model against reports, counters, ledger, histories and balances."""

import itertools
import json
import random
import time

import client
import workload
from model import CREATED, Club, FAILED, UNCHANGED, UPDATED, currency_sums
from world import Failure

SETTLE_S = 300
STANDSTILL_S = 60  # longer than a lease, a take-over and the longest pause between two tries
REPORT_PAGE = 500
DOCTOR_S = 300

JOBS = ("SELECT community_id, job_id, type, status, log_name, dry_run, total, updated, unchanged, created, failed, skipped, source_id, error_code, "
        "error_message, file_key FROM bulk_jobs ORDER BY community_id, job_id")
ENTRIES = ("SELECT source_id, currency_id, count(*) AS entries, sum(amount) AS amount FROM ledger_entries WHERE source_row > 0 "
           "GROUP BY source_id, currency_id")
EFFECT_ROWS = ("SELECT source_id, count(*) AS effect_rows FROM (SELECT source_id, source_row FROM ledger_entries WHERE source_row > 0 UNION "
               "SELECT source_id, source_row FROM field_history WHERE source_row > 0) t GROUP BY source_id")
MEMBERS = ("SELECT m.community_id, a.email, m.first_name, m.last_name FROM memberships m JOIN accounts a ON a.account_id = m.member_id")
BALANCES = ("SELECT b.community_id, a.email, b.currency_id, b.amount FROM balances b JOIN accounts a ON a.account_id = b.member_id")
VALUES = ("SELECT v.community_id, a.email, f.name, v.number, v.text FROM field_values v JOIN fields f ON f.community_id = v.community_id "
          "AND f.field_id = v.field_id JOIN accounts a ON a.account_id = v.member_id")
TAGS = ("SELECT t.community_id, a.email, g.name FROM member_tags t JOIN tags g ON g.community_id = t.community_id AND g.tag_id = t.tag_id "
        "JOIN accounts a ON a.account_id = t.member_id")


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Report:
    """What the program says of one job."""

    def __init__(self, status, failed, not_processed):
        self.status = status
        self.failed = failed  # row: codes
        self.not_processed = not_processed  # rows


class Prover:
    def __init__(self, world, keys, communities):
        self.world = world
        self.keys = keys
        self.clubs = {name: Club() for name in keys}
        self.names = {number: name for name, number in communities.items()}
        for club in self.clubs.values():
            club.add_members(workload.MEMBERS)
        self.proved = set()  # job numbers
        self.rows = self.jobs = 0
        self.notes = []

    def rows_of(self, query):
        return self.world.installation.database().rows(query)

    # ---- While the nodes run ---------------------------------------------------------------------------------------------

    def settle(self):
        """Waits until every job has ended; a job on which nothing moves is stuck."""
        end, moved, last = time.monotonic() + SETTLE_S, time.monotonic(), None
        while True:
            self.world.check_nodes()
            jobs = self.rows_of("SELECT job_id, status, updated + unchanged + created + failed AS processed, log_name FROM bulk_jobs "
                                "WHERE status IN ('queued', 'processing')")
            if not jobs:
                return
            if jobs != last:
                last, moved = jobs, time.monotonic()
            expect(time.monotonic() - moved < STANDSTILL_S, f"nothing moved for {STANDSTILL_S} s; open jobs: {jobs}")
            expect(time.monotonic() < end, f"after {SETTLE_S} s there are still open jobs: {jobs}")
            time.sleep(0.1)

    def collect(self, callers, seed):
        """Reads what the API reports of the round's jobs."""
        dice, reports = random.Random(seed), {}
        for state in callers.uploaded:
            for job in filter(None, (state.job, *state.reverts)):
                api = callers.api(dice.randrange(4), state.upload.club)
                reports[job] = self.report(api, job)
                if job == state.job:
                    callers.check_progress(state, reports[job].status)
        return reports

    @staticmethod
    def report(api, job):
        def rows_with(wanted):
            cursor = {}
            while True:
                rows = api.details(job, status=wanted, limit=REPORT_PAGE, **cursor)["rows"]
                yield from rows
                if len(rows) < REPORT_PAGE:
                    return
                cursor = {"after_row": rows[-1]["row"]}

        status = api.job(job)
        failed = {row["row"]: [error["code"] for error in row["errors"]] for row in rows_with("failed")}
        # A job that was stopped did not need to go through its file from its first row to its last.
        not_processed = {row["row"] for row in rows_with("not_processed")} if status["not_processed"] else set()
        return Report(status, failed, not_processed)

    def check_details(self, api, job, rows, outcome, dice):
        """Pages of the job's rows anywhere in it say what the model says."""
        pages = max(1, (len(rows) + 99) // 100)
        for page in sorted({1, pages, dice.randint(1, pages), dice.randint(1, pages)}):
            listed = [(row["row"], row["status"]) for row in api.details(job, page=page, limit=100)["rows"]]
            wanted = [(row.number, outcome.statuses.get(row.number, "not_processed")) for row in rows[(page - 1) * 100:page * 100]]
            wrong = next(((a, b) for a, b in itertools.zip_longest(listed, wanted) if a != b), None)
            expect(wrong is None, f"page {page} of job {job} lists (row, outcome) {wrong and wrong[0]} instead of {wrong and wrong[1]}")

    # ---- The model -------------------------------------------------------------------------------------------------------

    def prove(self, callers, reports, seed):
        """Replays the round's jobs in the order of their numbers, community by community, and compares everything."""
        dice = random.Random(seed)
        jobs = [job for job in self.rows_of(JOBS) if job["job_id"] not in self.proved]
        by_label = {}
        for state in callers.uploaded:
            expect(state.upload.label not in by_label, f"the harness used the label {state.upload.label} twice")
            by_label[state.upload.label] = state
        entries = {(int(row["source_id"]), int(row["currency_id"])): (int(row["entries"]), int(row["amount"])) for row in self.rows_of(ENTRIES)}
        effect_rows = {int(row["source_id"]): int(row["effect_rows"]) for row in self.rows_of(EFFECT_ROWS)}
        ids = {state.job: state for state in callers.uploaded if state.job}
        reverting = {job: state for state in callers.uploaded for job in state.reverts}
        found, outcomes, left = set(), {}, {}
        api_of = {name: callers.api(dice.randrange(4), name) for name in self.keys}
        listed = {name: self.list_ids(api_of[name]) for name in self.keys}
        for club, member, micros in callers.adjusted:
            self.clubs[club].adjust_coins(member, micros)
        for job in jobs:
            club = self.names[int(job["community_id"])]
            id_ = listed[club].get(int(job["job_id"]))
            expect(id_, f"job {job} is in the database and not in the list of its community")
            self.proved.add(job["job_id"])
            self.jobs += 1
            if job["type"] == "revert":
                state = reverting.get(id_)
                expect(state, f"nobody asked for the reversing job {job}")
                label, dry_run = state.upload.label, state.reverts[id_]
                left_now = self.prove_revert(club, label, job, outcomes[label], left[label], dry_run, reports[id_], entries, effect_rows)
                left[label] = left[label] if dry_run else left_now
                continue
            label = job["log_name"]
            state = by_label.get(label)
            expect(state, f"nobody uploaded the job {job}")
            expect(label not in found, f"{label} has two jobs")
            found.add(label)
            expect(state.job == id_ or (state.job is None and state.may_exist),
                   f"{label} was {'refused or broken off' if state.job is None else 'answered with job ' + state.job} and exists as job {id_}")
            report = reports.get(id_) or self.report(api_of[club], id_)
            _, rows, blanks = state.upload.spec.make()
            outcomes[label] = self.prove_job(club, state, job, rows, blanks, report, entries, effect_rows)
            self.check_details(api_of[club], id_, rows, outcomes[label], dice)
            left[label] = outcomes[label].to_revert()
            if not state.reverts:
                outcomes[label] = left[label] = None  # its rows are not needed any more
        for id_, state in ids.items():
            label = state.upload.label
            expect(label in found, f"the job {id_} of {label} was answered and is not there")
            self.prove_reverted(state, outcomes[label], left[label], reports[id_])
        self.check_state()

    @staticmethod
    def list_ids(api):
        """Job number: id, of a community's jobs."""
        ids, cursor = {}, ""
        while True:
            answer = api.get(f"{client.UPDATE}?limit=100{cursor}")
            expect(answer.status == 200, f"the list of jobs is answered with {answer}")
            for job in answer.json["data"]:
                ids[int(job["_id"][8:], 16)] = job["_id"]  # seconds, then the number
            if len(answer.json["data"]) < 100:
                return ids
            cursor = "&cursor=" + answer.json["data"][-1]["_id"]

    def prove_job(self, club, state, job, rows, blanks, report, entries, effect_rows):
        upload = state.upload
        where = f"{upload} (job {report.status['_id']}, {job['status']})"
        counters = {name: int(job[name]) for name in (UPDATED, UNCHANGED, CREATED, FAILED)}
        processed = sum(counters.values())
        self.rows += processed
        expect(job["type"] == workload.TYPES[upload.spec.kind], f"{where} is of type {job['type']}")
        expect(int(job["total"]) == len(rows), f"{where} has {job['total']} rows instead of {len(rows)}")
        expect(bool(int(job["dry_run"])) == upload.dry_run, f"{where}: dry run is {job['dry_run']}")
        shown = {name: report.status[name] for name in counters}
        expect(shown == counters, f"{where} shows the counters {shown} and stores {counters}")
        expect(len(report.failed) == counters[FAILED], f"{where} lists {len(report.failed)} refused rows and counts {counters[FAILED]}")
        outcome = self.clubs[club].apply(upload.label, upload.spec.kind, rows, dry_run=upload.dry_run, max_errors=upload.max_errors,
                                         not_processed=report.not_processed, reported_failed=report.failed.keys())
        modelled = {name: outcome.count(name) for name in counters}
        expect(len(report.not_processed) == len(rows) - processed == report.status["not_processed"],
               f"{where} lists {len(report.not_processed)} rows as not processed, counts {report.status['not_processed']}, and has {len(rows) - processed}")
        if outcome.failed_rows != report.failed.keys():
            missing, extra = sorted(outcome.failed_rows - report.failed.keys()), sorted(report.failed.keys() - outcome.failed_rows)
            raise Failure(f"{where}: rows {missing[:10]} should have been refused ({[outcome.codes[row] for row in missing[:10]]}), rows {extra[:10]} "
                          f"should not ({[report.failed[row] for row in extra[:10]]})")
        expect(modelled == counters, f"{where} counts {counters}, the model {modelled}")
        for row, codes in report.failed.items():
            expect(outcome.codes[row] in codes, f"{where}: row {row} was refused with {codes} instead of {outcome.codes[row]}")
        self.check_end(where, state, job, outcome, processed, len(rows), blanks)
        if upload.dry_run:
            expect(int(job["source_id"]) == 0, f"{where} has a source of changes")
            return outcome
        source = int(job["source_id"])
        booked = {currency: entries[source, currency] for _, currency in workload.CURRENCIES.values() if (source, currency) in entries}
        expect(booked == outcome.currency_sums(), f"{where}: (entries, sum) by currency are {booked}, the model says {outcome.currency_sums()}")
        expect(effect_rows.get(source, 0) == len(outcome.effects), f"{where}: {effect_rows.get(source, 0)} rows have effects, not {len(outcome.effects)}")
        return outcome

    def check_end(self, where, state, job, outcome, processed, total, blanks):
        status, code = job["status"], job["error_code"]
        if status == "reverted":
            status, code = ("failed", "too_many_errors") if outcome.stopped else ("completed" if processed == total else "cancelled", code)
        if outcome.stopped:
            expect((status, code) == ("failed", "too_many_errors"), f"{where} passed its max_errors and ended as {status} {code}")
        elif status == "completed":
            expect(processed == total and int(job["skipped"]) == blanks, f"{where} has {processed} of {total} rows, {job['skipped']} of {blanks} blank")
        elif status == "cancelled":
            expect(state.cancel_asked, f"{where} was cancelled, and nobody asked for it")
        elif status == "failed" and code == "internal" and "stopped the server" in (job["error_message"] or "") and self.deaths() >= 3:
            self.notes.append(f"{where} was given up after three deaths of its worker, as promised")
        else:
            raise Failure(f"{where} ended with {code}: {job['error_message']}")
        expect(status == "cancelled" or not state.cancelled, f"{where}: its cancel was answered with 200, and it ended as {status}")

    def deaths(self):
        return sum(count for kind, count in self.world.counts.items() if kind in ("kill", "pause", "crash", "restart", "cut connections"))

    def prove_revert(self, club, label, job, original, rows, dry_run, report, entries, effect_rows):
        """Gives the rows that the reversal left."""
        where = f"the {'dry ' if dry_run else ''}reversal {report.status['_id']} of {label} ({job['status']})"
        expect(job["status"] == "completed" and int(job["total"]) == len(rows), f"{where} has {job['total']} rows instead of {len(rows)}: {job['error_message']}")
        self.rows += len(rows)
        made = self.clubs[club].revert(label, original, rows, dry_run=dry_run, reported_failed=report.failed.keys())
        if set(made.conflicts) != report.failed.keys():
            missing, extra = sorted(set(made.conflicts) - report.failed.keys()), sorted(report.failed.keys() - set(made.conflicts))
            raise Failure(f"{where}: rows {missing[:10]} should have been refused ({[original.effects.get(row) for row in missing[:5]]}), rows {extra[:10]} should "
                          f"not ({[(report.failed[row], original.effects.get(row)) for row in extra[:5]]})")
        counted = tuple(int(job[name]) for name in (UPDATED, UNCHANGED, CREATED, FAILED))
        modelled = (len(made.reverted), len(made.unchanged), 0, len(made.conflicts))
        expect(counted == modelled, f"{where} counts {counted}, the model {modelled}")
        source = int(job["source_id"])
        booked = {currency: entries[source, currency] for _, currency in workload.CURRENCIES.values() if (source, currency) in entries}
        wanted = {} if dry_run else currency_sums(made.amounts)
        expect(booked == wanted, f"{where}: (entries, sum) by currency are {booked}, the model says {wanted}")
        expect(effect_rows.get(source, 0) == (0 if dry_run else made.effect_rows),
               f"{where}: {effect_rows.get(source, 0)} rows have effects, not {made.effect_rows}")
        return made.conflicts

    @staticmethod
    def prove_reverted(state, outcome, left, report):
        if not any(not dry_run for dry_run in state.reverts.values()):
            expect(report.status["status"] in client.FINAL, f"{state.upload.label} is {report.status['status']}, and nobody reversed it")
            return
        shown = (report.status["status"], report.status["reverted_rows"], report.status["conflicts"])
        wanted = ("reverted", len(outcome.people) - len(left), len(left))
        expect(shown == wanted, f"{state.upload.label} shows {shown} after its reversal, the model {wanted}")

    def check_state(self):
        """Everything that files can change, of every member."""
        stored = {name: {} for name in self.clubs}

        def person(row):
            club = self.names[int(row["community_id"])]
            name, _, host = row["email"].partition("@")
            if host != f"{club}.example":
                return None  # the owner
            return stored[club].setdefault(int(name[1:]), {"xp": 0, "coins": 0, "premium": 0, "score": None, "first": None, "last": None,
                                                           "note": None, "tag": frozenset()})

        for row in self.rows_of(MEMBERS):
            values = person(row)
            if values is not None:
                values["first"], values["last"] = row["first_name"], row["last_name"]
        slots = {number: slot for slot, (_, number) in workload.CURRENCIES.items()}
        for row in self.rows_of(BALANCES):
            person(row)[slots[int(row["currency_id"])]] = int(row["amount"])
        for row in self.rows_of(VALUES):
            if row["name"] == "Score":
                person(row)["score"] = None if row["number"] is None else int(row["number"])
            elif row["name"] == "Note":
                person(row)["note"] = row["text"]
        for row in self.rows_of(TAGS):
            values = person(row)
            values["tag"] = values["tag"] | {row["name"]}
        for name, club in self.clubs.items():
            wanted = {member: one.values for member, one in club.people.items()}
            expect(stored[name].keys() == wanted.keys(),
                   f"{name}: members {sorted(stored[name].keys() ^ wanted.keys())[:10]} are on one side alone, database or model")
            for member, values in wanted.items():
                wrong = {slot: (stored[name][member][slot], value) for slot, value in values.items() if stored[name][member][slot] != value}
                expect(not wrong, f"{name}, member {member}: (database, model) differ: {wrong}")

    # ---- The doctor ------------------------------------------------------------------------------------------------------

    def doctor(self):
        done = self.world.installation.command("doctor", "--json", check=False, timeout=DOCTOR_S)
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise Failure(f"the doctor said {done.stdout}{done.stderr}") from None
        wrong = [finding for finding in answer["findings"] if not finding["ok"] and finding["check"] != "disk"]
        expect(not wrong, f"the doctor found: {wrong[:20]}")

    def files(self):
        expect(self.world.installation.files_match_jobs(),
               f"files {self.world.installation.upload_files()} do not belong to jobs {[job['file_key'] for job in self.world.installation.jobs()]}")
