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
    __slots__ = ("touched", "values")

    def __init__(self, first=None, last=None):
        self.touched = set()  # labels of the jobs that changed something of them
        self.values = {"xp": 0, "coins": 0, "premium": 0, "score": None, "first": first, "last": last, "note": None, "tag": frozenset()}


class Outcome:
    """What became of one job."""

    def __init__(self):
        self.statuses = {}  # row number: status, in the order of the file
        self.codes = {}  # row number: the code of a refused row
        self.effects = {}  # row number: [(slot, operator, before, after)]
        self.people = {}  # row number: (member, person, whether the row made them); of rows with effects
        self.stopped = False  # by max_errors

    def count(self, status):
        return sum(1 for s in self.statuses.values() if s == status)

    @property
    def failed_rows(self):
        return {row for row, status in self.statuses.items() if status == FAILED}

    def to_revert(self):
        """Rows that did something, as a reversal goes through them."""
        return sorted(self.people, reverse=True)

    def currency_sums(self):
        return currency_sums((slot, after - before) for effects in self.effects.values() for slot, _, before, after in effects if slot in CURRENCIES)


def currency_sums(changes):
    """Currency number: (entries, sum of amounts)."""
    sums = {}
    for slot, amount in changes:
        entries, total = sums.get(CURRENCIES[slot][1], (0, 0))
        sums[CURRENCIES[slot][1]] = (entries + 1, total + amount)
    return sums


class Reversal:
    """What became of the reversal of a job."""

    def __init__(self):
        self.reverted, self.unchanged, self.conflicts = [], [], []  # rows of the original
        self.amounts = []  # (currency slot, amount) of each entry
        self.effect_rows = 0


class Club:
    """The members of one community."""

    def __init__(self):
        self.people = {}

    def add_members(self, count):
        for member in range(1, count + 1):
            self.people[member] = Person(f"First{member}", f"Last{member}")

    def adjust_coins(self, member, micros):
        self.people[member].values["coins"] += micros

    def apply(self, label, kind, rows, *, dry_run=False, max_errors=None, not_processed=frozenset(), reported_failed=frozenset()):
        """Applies a file, without the rows that a stopped job did not come to. `reported_failed`: rows that were reported as
        refused; believed only of rows whose outcome hangs on live changes."""
        outcome, undo, failed = Outcome(), [], 0
        for row in rows:
            if row.number in not_processed:
                continue
            status, code, effects, made = self.apply_row(kind, row, row.number in reported_failed, undo)
            outcome.statuses[row.number] = status
            if status == FAILED:
                outcome.codes[row.number] = code
                failed += 1
                if max_errors is not None and failed > max_errors:
                    outcome.stopped = True
                    break
                continue
            if effects:
                outcome.effects[row.number] = effects
            if effects or made:
                person = self.people[row.member]
                outcome.people[row.number] = (row.member, person, made)
                if not dry_run:
                    person.touched.add(label)
        if dry_run:
            self.take_back(undo)
        return outcome

    def take_back(self, undo):
        for member, person, slot, before in reversed(undo):
            if slot is not None:
                person.values[slot] = before
            elif before == "absent":
                del self.people[member]
            else:
                self.people[member] = person

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
                effects.append((slot, op, before, after))
        if reported_failed and self.hangs_on_live(row):
            return FAILED, "insufficient_balance", None, False
        if made:
            self.people[row.member] = person
            undo.append((row.member, person, None, "absent"))
        for slot, _, before, after in effects:
            undo.append((row.member, person, slot, before))
            person.values[slot] = after
        return CREATED if made else UPDATED if effects else UNCHANGED, None, effects, made

    @staticmethod
    def hangs_on_live(row):
        return row.member <= LIVE and any(slot == "coins" and op == "subtract" and value > 0 for slot, op, value in row.changes)

    def revert(self, label, outcome, rows, *, dry_run=False, reported_failed=frozenset()):
        """Takes rows of the job `label` back, in the given order."""
        reversal, undo = Reversal(), []
        for row in rows:
            member, person, made = outcome.people[row]
            steps = self.steps_back(member, person, outcome.effects.get(row, ()), row in reported_failed)
            if steps is not None and made and not self.may_go(label, person, steps):
                steps = None
            if steps is None:
                reversal.conflicts.append(row)
                continue
            # What was taken back may be what is there: 0 was added, for example, to a number that was not there before.
            (reversal.reverted if steps or made else reversal.unchanged).append(row)
            reversal.effect_rows += 1 if steps else 0
            for slot, now, after in steps:
                if slot in CURRENCIES:
                    reversal.amounts.append((slot, after - now))
                undo.append((member, person, slot, now))
                person.values[slot] = after
            if made:
                undo.append((member, person, None, "present"))
                del self.people[member]
        if dry_run:
            self.take_back(undo)
        return reversal

    def steps_back(self, member, person, effects, reported_failed):
        """[(slot, value now, value after it was taken back)], or None where something stands against it."""
        if self.people.get(member) is not person:
            return None
        steps = []
        for slot, op, before, after in effects:
            now = person.values[slot]
            if slot in CURRENCIES and op != "overwrite":
                result = now - (after - before)
                live = slot == "coins" and member <= LIVE
                if reported_failed and live or result < 0 and result < now and not live:
                    return None
            elif now == after:
                result = before
            elif op == "overwrite" or now is None:
                return None
            else:
                result = now - (after - (before or 0))
            if result != now:
                steps.append((slot, now, result))
        return steps

    @staticmethod
    def may_go(label, person, steps):
        """Whether a member whom the job made is as they were made, once these steps are done."""
        left = {**person.values, **{slot: after for slot, _, after in steps}}
        return person.touched <= {label} and all(not left[slot] for slot in CURRENCIES) and left["score"] is None and left["note"] is None
