#!/usr/bin/env python3
"""Writes the files of the demo: members to import, and a premium-currency update with a few rows that must be refused.

    tools/demo_data.py FOLDER COUNT     writes FOLDER/members.csv and FOLDER/premium.csv; prints how many rows are wrong

The same COUNT always gives the same bytes.
"""
import csv
import pathlib
import random
import sys

FIRST = ["Ana", "Bo", "Chidi", "Dilnoza", "Emre", "Fatima", "Giulia", "Hana", "Ivo", "Jun", "Kofi", "Łucja", "María", "Noor",
         "Oona", "Priya", "Quang", "Ruth", "Sören", "Tomás", "Uma", "Vera", "Wanjiru", "Xenia", "Yusuf", "Zoë"]
LAST = ["Adeyemi", "Bauer", "Costa", "Dupont", "Eriksson", "Fischer", "García", "Haddad", "Ivanov", "Jensen", "Kim", "Lindqvist",
        "Müller", "Nakamura", "O'Brien", "Papadopoulos", "Quispe", "Rossi", "Silva", "Tanaka", "Ünal", "Vasquez", "Wójcik", "Yılmaz"]
PLACES = [("DE", "German"), ("FR", "French"), ("JP", "Japanese"), ("BR", "Portuguese"), ("PL", "Polish"), ("TR", "Turkish"),
          ("KE", "Swahili"), ("IN", "Hindi"), ("US", "English"), ("ES", "Spanish"), ("SE", "Swedish"), ("VN", "Vietnamese")]

MEMBER_COLUMNS = ["First Name", "Last Name", "Username", "Email", "Country", "Language"]
PREMIUM_COLUMNS = ["Email", "Premium Currency", "Premium Currency_op"]


def email(number):
    return f"member{number:05}@example.org"


def members(count):
    chance = random.Random(1)
    for number in range(1, count + 1):
        country, language = chance.choice(PLACES)
        yield [chance.choice(FIRST), chance.choice(LAST), f"member{number:05}", email(number), country, language]


def wrong_rows(count):
    """Rows that the server must refuse, each with the place in the file where it stands."""
    return [
        (count // 10, ["nobody@example.org", "10", "add"]),                # no such member
        (count // 4, [email(7 % count + 1), "10", "Add"]),                 # operators are lower case
        (count // 2, [email(8 % count + 1), "0.1234567", "add"]),          # seven decimals
        (count * 3 // 4, [email(9 % count + 1), "5000000", "subtract"]),   # below zero
    ]


def premium(count):
    chance = random.Random(2)
    wrong = dict(wrong_rows(count))
    for number in range(1, count + 1):
        if number - 1 in wrong:
            yield wrong[number - 1]
        amount = chance.randrange(1, 500_000)
        yield [email(number), f"{amount // 100}.{amount % 100:02}", chance.choice(["add", "add", "overwrite"])]


def write(path, columns, rows):
    # CRLF and UTF-8 with a mark in front: what a spreadsheet saves as "CSV UTF-8".
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def main(arguments):
    if len(arguments) != 2 or not arguments[1].isdigit() or int(arguments[1]) < 20:
        print("Usage: tools/demo_data.py FOLDER COUNT, with a COUNT of 20 or more", file=sys.stderr)
        return 2
    folder, count = pathlib.Path(arguments[0]), int(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "members.csv", MEMBER_COLUMNS, members(count))
    write(folder / "premium.csv", PREMIUM_COLUMNS, premium(count))
    print(len(wrong_rows(count)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
