"""Random files of bulk jobs. Every row is known twice: as the text that is uploaded, and as what it means to the model."""

import math
import random

import client

MICRO = 1_000_000
MEMBERS = 200  # imported before the attacks begin
IMPORTED_MAX = 500  # imports make members up to this number
LIVE = 20  # the first members get live changes of their coins beside the files
NOBODY = 90_000  # from here on nobody is a member
ROWS_MAX = 50_000
TAGS = ("gold", "silver", "new")

CURRENCIES = {"xp": ("XP", 1), "coins": ("Coins", 2), "premium": ("Premium Currency", 3)}
NUMBERS = {**{slot: column for slot, (column, _) in CURRENCIES.items()}, "score": "Score"}
TEXTS = {"first": "First Name", "last": "Last Name", "note": "Note"}
UPDATE_SLOTS = ("first", "note", "tag", "xp", "coins", "premium", "score")
SLOTS = {column: slot for slot, column in {**NUMBERS, **TEXTS, "tag": "Tag"}.items()}
PATHS = {"update": client.UPDATE, "premium": client.PREMIUM, "import": client.IMPORT}
TYPES = {"update": "bulk_update", "premium": "bulk_update_premium_currency", "import": "bulk_import"}


class Row:
    """What one record of a file means. `wrong` is the code that the record must be refused with, whatever the state;
    `changes` are (slot, operator, value): numbers in millionths, sets as frozensets, None for <clear>."""

    __slots__ = ("number", "member", "wrong", "changes")

    def __init__(self, number, member, wrong, changes):
        self.number = number
        self.member = member
        self.wrong = wrong
        self.changes = changes


def decimal_text(micros):
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    text = f"{micros // MICRO}.{micros % MICRO:06d}".rstrip("0").rstrip(".")
    return sign + text


class FileSpec:
    """A file that can be made again from its seed, so that nobody has to keep 50,000 rows in memory."""

    def __init__(self, seed, kind, rows, club):
        self.seed = seed
        self.kind = kind
        self.rows_asked = rows
        self.club = club  # the part of its e-mails that tells the communities apart

    def __str__(self):
        return f"{self.kind} of {self.rows_asked} rows"

    def email(self, member):
        return f"m{member}@{self.club}.example"

    def make(self):
        """Gives (bytes, rows, blank records)."""
        dice = random.Random(self.seed)
        columns = self.columns(dice)
        lines, rows, blanks, number = [",".join(columns)], [], 0, 1
        hot = [self.pick_member(dice) for _ in range(dice.randint(1, 4))]
        wrong_share = dice.choice((0, 0, 0.001, 0.02, 0.2))
        while len(rows) < self.rows_asked:
            number += 1
            if dice.random() < 0.002:
                lines.append("," * (len(columns) - 1))
                blanks += 1
                continue
            member = dice.choice(hot) if dice.random() < 0.3 else self.pick_member(dice)
            line, row = self.make_row(dice, number, member, columns, dice.random() < wrong_share)
            lines.append(line)
            rows.append(row)
        return ("\n".join(lines) + "\n").encode(), rows, blanks

    def pick_member(self, dice):
        if self.kind == "import":
            return dice.randint(1, IMPORTED_MAX)
        if dice.random() < 0.005:
            return NOBODY + dice.randint(0, 9)
        # Some of them are members only after an import.
        return dice.randint(1, MEMBERS + 20)

    def columns(self, dice):
        if self.kind == "premium":
            return ["Email", "Premium Currency", "Premium Currency_op"]
        slots = ["xp"] if self.kind == "import" and dice.random() < 0.6 else []
        if self.kind == "update":
            slots = [slot for slot in UPDATE_SLOTS if dice.random() < 0.5] or ["coins"]
        columns = ["Email"] + (["Username", "First Name", "Last Name"] if self.kind == "import" else [])
        for slot in slots:
            columns += [NUMBERS[slot], NUMBERS[slot] + "_op"] if slot in NUMBERS else ["Tag" if slot == "tag" else TEXTS[slot]]
        return columns

    def make_row(self, dice, number, member, columns, spoil):
        cells, changes = {"Email": self.email(member)}, []
        if self.kind == "import":
            cells["Username"] = f"{self.club}.m{member}"
        for column in columns:
            slot = SLOTS.get(column)
            if slot is None:
                continue
            # An empty cell changes nothing; people of an import need their names.
            if slot not in ("first", "last") and dice.random() < (0 if self.kind == "premium" else 0.2):
                continue
            if slot in NUMBERS:
                op, value = self.make_number(dice, slot, member)
                cells[column], cells[column + "_op"] = decimal_text(value), op
                changes.append((slot, op, value))
            elif slot == "tag":
                names = frozenset(dice.sample(TAGS, dice.randint(0, 2)))
                cells[column] = '"' + ", ".join(sorted(names)) + '"' if names else "<clear>"
                changes.append((slot, "overwrite", names))
            elif slot == "note" and dice.random() < 0.2:
                cells[column] = "<clear>"
                changes.append((slot, "overwrite", None))
            else:
                text = f"{slot} {dice.randint(1, 5)}"
                cells[column] = text
                changes.append((slot, "overwrite", text))
        wrong = self.spoil(dice, cells, columns) if spoil else None
        line = ",".join(cells.get(column, "") for column in columns)
        if wrong == "column_count":
            line += ",one,too,many"
        return line, Row(number, member, wrong, changes)

    def make_number(self, dice, slot, member):
        ops = ["add", "add", "subtract"]
        # Coins of these members change from outside at any moment: only what does not depend on the order is asked of them.
        if not (slot == "coins" and member <= LIVE):
            ops.append("overwrite")
        op = dice.choice(ops)
        value = dice.choice((0, MICRO, dice.randint(1, 50) * MICRO, dice.randint(0, 99_999_999)))
        if op == "overwrite" and dice.random() < 0.01:
            value = -value
        return op, value

    def spoil(self, dice, cells, columns):
        """Makes the row wrong in one way. Gives the code that it must be refused with."""
        numbers = [column for column in columns if cells.get(column + "_op")]
        ways = ["invalid_email", "column_count", "missing_key"]
        if numbers:
            ways += ["invalid_operator", "missing_operator", "not_a_number", "too_many_decimals"]
        way = dice.choice(ways)
        if way == "invalid_email":
            cells["Email"] = "not an address"
        elif way == "missing_key":
            cells["Email"] = ""
            # A record with nothing in it would be blank.
            if not any(cells.get(column) for column in columns):
                cells["Email"], way = "nobody", "invalid_email"
        elif way in ("invalid_operator", "missing_operator"):
            cells[dice.choice(numbers) + "_op"] = "Add" if way == "invalid_operator" else ""
        elif way == "not_a_number":
            cells[dice.choice(numbers)] = dice.choice(("1e3", "NaN", "12a", "--1"))
        elif way == "too_many_decimals":
            cells[dice.choice(numbers)] = "1.2345678"
        return way


def random_size(dice, most=ROWS_MAX):
    """From 1 to `most`, as many small ones as large ones on a scale of powers."""
    return max(1, min(most, round(math.exp(dice.uniform(0, math.log(most))))))
