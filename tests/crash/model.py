"""What a community must look like after its jobs, worked out from the files' rows alone.

The model knows nothing of chunks, leases or retries: it applies whole files, one after another, in the order of their jobs.
What it cannot know is told by the reports that are to be proved: which rows a stopped job did not come to, and whether a row
that takes coins found enough of them beside the live changes.
"""

from workload import CURRENCIES, LIVE, NUMBERS

UPDATED, UNCHANGED, CREATED, FAILED = "updated", "unchanged", "created", "failed"


class Mismatch(AssertionError):
    """The program did something else than the model."""


class Person:
    __slots__ = ("values",)

    def __init__(self, first=None, last=None):
        self.values = {"xp": 0, "coins": 0, "premium": 0, "score": None, "first": first, "last": last, "note": None, "tag": frozenset()}


class Outcome:
    """What became of one job."""

    def __init__(self):
        self.statuses = {}  # row number: status, in the order of the file
        self.codes = {}  # row number: the code of a refused row
        self.effects = {}  # row number: [(member, slot, operator, before, after)]
        self.stopped = False  # by max_errors

    def count(self, status):
        return sum(1 for s in self.statuses.values() if s == status)

    @property
    def failed_rows(self):
        return {row for row, status in self.statuses.items() if status == FAILED}

    def currency_sums(self):
        """Currency number: (entries, sum of amounts)."""
        sums = {}
        for effects in self.effects.values():
            for _, slot, _, before, after in effects:
                if slot in CURRENCIES:
                    entries, amount = sums.get(CURRENCIES[slot][1], (0, 0))
                    sums[CURRENCIES[slot][1]] = (entries + 1, amount + after - before)
        return sums


class Club:
    """The members of one community."""

    def __init__(self):
        self.people = {}

    def add_members(self, count):
        for member in range(1, count + 1):
            self.people[member] = Person(f"First{member}", f"Last{member}")

    def adjust_coins(self, member, micros):
        self.people[member].values["coins"] += micros

    def apply(self, kind, rows, *, dry_run=False, max_errors=None, not_processed=frozenset(), reported_failed=frozenset()):
        """Applies a file, without the rows that a stopped job did not come to. `reported_failed`: rows that were reported as
        refused; believed only of rows whose outcome hangs on live changes."""
        outcome, undo, failed = Outcome(), [], 0
        for row in rows:
            if row.number in not_processed:
                continue
            status, code, effects, made = self.apply_row(kind, row, row.number in reported_failed, undo)
            outcome.statuses[row.number] = status
            if effects:
                outcome.effects[row.number] = effects
            if status == FAILED:
                outcome.codes[row.number] = code
                failed += 1
                if max_errors is not None and failed > max_errors:
                    outcome.stopped = True
                    break
            elif made:
                undo.append((row.member, None, None))
        if dry_run:
            for member, slot, before in reversed(undo):
                if slot is None:
                    del self.people[member]
                else:
                    self.people[member].values[slot] = before
        return outcome

    def apply_row(self, kind, row, reported_failed, undo):
        """Gives (status, code, effects, whether a member was made)."""
        if row.wrong:
            return FAILED, row.wrong, None, False
        person, made = self.people.get(row.member), False
        if person is None:
            if kind != "import":
                return FAILED, "user_not_found", None, False
            person, made = Person(), True
        effects = []
        for slot, op, value in row.changes:
            before = person.values[slot]
            if slot not in NUMBERS:
                after = value
            else:
                base = before or 0
                after = value if op == "overwrite" else base + value if op == "add" else base - value
                # How many coins a live member had at that moment, only the report tells.
                if slot in CURRENCIES and after < 0 and not (slot == "coins" and row.member <= LIVE):
                    return FAILED, "insufficient_balance", None, False
            if after != before:
                effects.append((row.member, slot, op, before, after))
        if reported_failed and self.hangs_on_live(row):
            return FAILED, "insufficient_balance", None, False
        if made:
            self.people[row.member] = person
        for member, slot, _, before, after in effects:
            if not made:
                undo.append((member, slot, before))
            person.values[slot] = after
        return CREATED if made else UPDATED if effects else UNCHANGED, None, effects, made

    @staticmethod
    def hangs_on_live(row):
        return row.member <= LIVE and any(slot == "coins" and op == "subtract" and value > 0 for slot, op, value in row.changes)

    def revert(self, outcome, reported_failed):
        """Takes a job's changes back, last row first. Gives the rows that were taken back and those that met a conflict."""
        reverted, conflicts = [], []
        for row in reversed(list(outcome.effects)):
            steps, conflict = [], False
            for member, slot, op, before, after in outcome.effects[row]:
                now = self.people[member].values[slot]
                if slot in NUMBERS and op in ("add", "subtract") and before is not None:
                    next_value = now - (after - before)
                    live = slot == "coins" and member <= LIVE
                    conflict |= slot in CURRENCIES and next_value < 0 and not live
                    conflict |= live and row in reported_failed
                else:
                    next_value = before
                    conflict |= now != after
                steps.append((member, slot, next_value))
            if conflict:
                conflicts.append(row)
                continue
            for member, slot, value in steps:
                self.people[member].values[slot] = value
            reverted.append(row)
        return reverted, conflicts

