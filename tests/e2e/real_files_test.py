"""Files as people really have them: applied, or refused with a message that somebody who never programmed can act on."""

import gzip
import io
import zipfile

import pytest

from client import IMPORT, PREMIUM, UPDATE
from files import HEADER, email

A, B = email(1), email(2)
ROWS = f"{HEADER}\n{A},1,add\n{B},2,add\n"
NOTED = f'#note,{HEADER}\n"two\nlines",{A},1,add\n"a ""quoted"" word, a comma",{B},2,add\n'

# Each adds 1 to the first member and 2 to the second. name: (bytes, delimiter)
ACCEPTED = {
    "a spreadsheet's UTF-8 with mark and CRLF": (("\ufeff" + ROWS).replace("\n", "\r\n").encode(), ","),
    "semicolons": (ROWS.replace(",", ";").encode(), ";"),
    "tabs": (ROWS.replace(",", "\t").encode(), "\t"),
    "old Mac line ends": (ROWS.replace("\n", "\r").encode(), ","),
    "mixed line ends": (f"{HEADER}\r\n{A},1,add\r{B},2,add\n".encode(), ","),
    "no line end after the last row": (ROWS.rstrip("\n").encode(), ","),
    "quoted line breaks, quotes and commas": (NOTED.encode(), ","),
    "every cell in quotes": (f'"{HEADER.replace(",", chr(34) + "," + chr(34))}"\n"{A}","1","add"\n"{B}","2","add"\n'.encode(), ","),
    "UTF-16 little endian": (b"\xff\xfe" + ("#name," + ROWS.replace("\n", "\r\nÅsa,", 2)).encode("utf-16-le"), ","),
    "UTF-16 big endian": (b"\xfe\xff" + ROWS.replace(",", "\t").encode("utf-16-be"), "\t"),
    "a column of trailing commas": (ROWS.replace("\n", ",,\n").encode(), ","),
    "trailing commas in rows alone": (f"{HEADER}\n{A},1,add,,,\n{B},2,add\n".encode(), ","),
    "a line sep=": (b"sep=;\r\n" + ROWS.replace(",", ";").encode(), ";"),
    "a line sep= with an unusual character": (b"sep=|\n" + ROWS.replace(",", "|").encode(), "|"),
    "blank lines": (f"\n{HEADER}\n\n{A},1,add\n,,\n{B},2,add\n\n\n".encode(), ","),
    "blanks around cells": (f" Email ,Premium Currency , Premium Currency_op\n {A} , 1 ,add \n\t{B},2.000000,\tadd\n".encode(), ","),
    "columns in another order": (f"Premium Currency_op,Email,Premium Currency\nadd,{A},1\nadd,{B},2\n".encode(), ","),
    "e-mails in capitals": (ROWS.replace(A, A.upper()).encode(), ","),
    "our own result file": (f"{HEADER},status,error_code,error_message\n{A},1,add,failed,user_not_found,No member\n{B},2,add,,,\n".encode(), ","),
    "numbers as people write them": (f"{HEADER}\n{A},+1.0,add\n{B},02,add\n".encode(), ","),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_real_file_is_applied_to_the_last_row(club, name):
    data, delimiter = ACCEPTED[name]
    before = club.installation.balances()
    done = club.api.run(PREMIUM, data)
    assert (done["status"], done["total"], done["updated"], done["failed"]) == ("completed", 2, 2, 0), club.api.row_errors(done["_id"])
    assert (done["file"]["delimiter"], done["file"]["size"]) == (delimiter, len(data))
    after = club.installation.balances()
    assert [after[who] - before.get(who, 0) for who in (A, B)] == [1_000_000, 2_000_000]


def test_a_row_is_named_by_its_record_and_by_its_line(club):
    done = club.api.run(PREMIUM, f'sep=,\n#note,{HEADER}\n"a\r\nb\rc",{A},1,add\n\n"d",nobody@example.org,1,add\n'.encode())
    rows = club.api.details(done["_id"])["rows"]
    assert [(row["row"], row["line"], row["status"]) for row in rows] == [(2, 3, "updated"), (4, 7, "failed")]
    assert (done["skipped"], done["total"]) == (1, 2)


def test_one_row_is_a_file(club):
    done = club.api.run(PREMIUM, f"{HEADER}\n{A},5,overwrite".encode())
    assert (done["total"], done["success"]) == (1, 1)
    assert club.installation.balances()[A] == 5_000_000


def xlsx():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("members.csv", ROWS)
    return out.getvalue()


SAVE_AS_CSV = "Save As and the type \"CSV UTF-8"
SAVE_AS_UTF8 = "CSV UTF-8 (Comma delimited)"
LATIN_1 = f"#name,{HEADER}\nAna,{A},1,add\nJos\xe9,{B},2,add\n".encode("latin-1")

# name: (operation, bytes, status, code, what the message must say)
REFUSED = {
    "an empty file": (PREMIUM, b"", 400, "no_rows", ["empty"]),
    "a mark and nothing else": (PREMIUM, b"\xef\xbb\xbf", 400, "no_rows", ["empty"]),
    "blank lines and nothing else": (PREMIUM, b"\r\n\r\n,,\r\n", 400, "no_rows", ["empty"]),
    "a header without rows": (PREMIUM, HEADER.encode() + b"\r\n", 400, "no_rows", ["header but no rows"]),
    "a header with blank rows": (PREMIUM, HEADER.encode() + b"\n,,\n\n", 400, "no_rows", ["no rows"]),
    "a workbook": (PREMIUM, xlsx(), 415, "xlsx_not_supported", ["Excel workbook (.xlsx)", SAVE_AS_CSV]),
    "a workbook for an import": (IMPORT, xlsx(), 415, "xlsx_not_supported", [SAVE_AS_CSV]),
    "an old workbook": (PREMIUM, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504), 415, "xls_not_supported", ["old Excel workbook (.xls)", SAVE_AS_CSV]),
    "a PDF": (PREMIUM, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", 415, "unsupported_file", ["PDF"]),
    "a ZIP archive": (PREMIUM, zipped(), 415, "unsupported_file", ["CSV file is needed"]),
    "a gzip file without Content-Encoding": (PREMIUM, gzip.compress(ROWS.encode()), 415, "unsupported_file", ["gzip"]),
    "a picture": (PREMIUM, b"\x89PNG\r\n\x1a\n" + bytes(100), 415, "unsupported_file", ["CSV file is needed"]),
    "Latin-1": (PREMIUM, LATIN_1, 400, "invalid_encoding", ["Line 3", "byte 83", SAVE_AS_UTF8]),
    "UTF-16 without a mark": (PREMIUM, ROWS.encode("utf-16-le"), 400, "invalid_encoding", ["UTF-16", SAVE_AS_UTF8]),
    "half a character at the end of UTF-16": (PREMIUM, b"\xff\xfe" + ROWS.encode("utf-16-le") + b"\x41", 400, "invalid_encoding", ["damaged"]),
    "a NUL character": (PREMIUM, f"{HEADER}\n{A},1\0,add\n".encode(), 400, "binary_file", ["Line 2", "NUL"]),
    "a quote that is never closed": (PREMIUM, f'#note,{HEADER}\nx,{A},1,add\n"never closed,{B},2,add\n'.encode(), 400, "unterminated_quote", ["line 3", "closing quote"]),
    "text after a closing quote": (PREMIUM, f'#note,{HEADER}\n"6" nails,{A},1,add\n'.encode(), 400, "text_after_quote", ["line 2", "twice"]),
    "a cell that is too long": (PREMIUM, f"#note,{HEADER}\n{'x' * 32_001},{A},1,add\n".encode(), 400, "cell_too_long", ["Line 2", "32,000"]),
    "too many columns": (UPDATE, (",".join(["Email"] + [f"#{n}" for n in range(500)]) + f"\n{A}\n").encode(), 400, "too_many_columns", ["500"]),
    "no key column": (UPDATE, b"First Name\nAna\n", 400, "missing_key_column", ["Email, User ID or Username"]),
    "no key column in an import": (IMPORT, b"First Name\nAna\n", 400, "missing_key_column", ["Email"]),
    "only a key column": (UPDATE, f"Email\n{A}\n".encode(), 400, "nothing_to_update", ["something to change"]),
}
# name: (operation, header, codes and columns of errors[])
WRONG_HEADERS = {
    "a misspelled column": (UPDATE, "Email,Coin,Coins_op", [("unknown_column", "Coin"), ("operator_without_value", "Coins_op")]),
    "a column in other letters": (UPDATE, "Email,first name", [("unknown_column", "first name")]),
    "a column that nobody knows": (UPDATE, "Email,Shoe size", [("unknown_column", "Shoe size")]),
    "a column twice": (UPDATE, "Email,First Name,First Name", [("duplicate_column", "First Name")]),
    "a column without a name": (UPDATE, "Email,,First Name", [("empty_column_name", "")]),
    "a value without its operator": (UPDATE, "Email,XP", [("operator_column_missing", "XP_op")]),
    "an operator without its value": (UPDATE, "Email,XP_op", [("operator_without_value", "XP_op")]),
    "an operator of a text": (UPDATE, "Email,First Name,First Name_op", [("operator_not_allowed", "First Name_op")]),
    "a fourth column of premium currency": (PREMIUM, HEADER + ",Coins", [("unexpected_column", "Coins")]),
    "two of three columns": (PREMIUM, "Email,Premium Currency", [("missing_column", "Premium Currency_op")]),
    "a user id in an import": (IMPORT, "Email,User ID", [("unexpected_column", "User ID")]),
}


def assert_nothing_is_kept(club, before):
    """No job, and no file that belongs to none."""
    assert (club.installation.jobs(), club.installation.upload_files()) == before


def kept(club):
    return club.installation.jobs(), club.installation.upload_files()


def assert_error_body(answer):
    body = answer.json
    assert body["status"] == "error" and body["message"] and body["requestId"] == answer.headers["X-Request-Id"]
    assert isinstance(body["errors"], list)
    return body


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_right_is_refused_whole(club, name):
    path, data, status, code, texts = REFUSED[name]
    before = kept(club)
    answer = club.api.upload(path, data)
    assert (answer.status, answer.code) == (status, code), answer
    body = assert_error_body(answer)
    for text in texts:
        assert text in body["message"], body
    assert_nothing_is_kept(club, before)


@pytest.mark.parametrize("name", WRONG_HEADERS)
def test_a_wrong_header_is_answered_with_every_problem(club, name):
    path, header, wanted = WRONG_HEADERS[name]
    before = kept(club)
    answer = club.api.upload(path, f"{header}\n{A},1,add\n".encode())
    assert (answer.status, answer.code) == (400, "invalid_header"), answer
    body = assert_error_body(answer)
    assert sorted((error["code"], error["field"]) for error in body["errors"]) == sorted(wanted)
    assert all(error["message"] for error in body["errors"])
    assert_nothing_is_kept(club, before)


@pytest.mark.parametrize("written, meant", [("Coin_op", "Coins_op"), ("first-name", "First Name"), ("FIRST NAME", "First Name"), ("Emial", "Email"),
                                            ("Premium currency", "Premium Currency")])
def test_a_misspelled_column_is_answered_with_what_was_meant(club, written, meant):
    answer = club.api.upload(UPDATE, f"Username,Phone,{written}\nmember1,,x\n".encode())
    assert answer.code == "invalid_header", answer
    error = next(e for e in answer.json["errors"] if e["field"] == written)
    assert (error["code"], error["position"]) == ("unknown_column", 3)
    assert meant in error["suggestions"]
    assert f"Did you mean {error['suggestions'][0]}" in error["message"]


def test_a_fault_after_many_good_rows_leaves_nothing_behind(club):
    before = kept(club)
    answer = club.api.upload(PREMIUM, (f"{HEADER}\n" + f"{A},1,add\n" * 200_000 + f"{A},1,\xff\n").encode("latin-1"))
    assert (answer.status, answer.code) == (400, "invalid_encoding"), answer
    assert "Line 200,002" in answer.json["message"]
    assert_nothing_is_kept(club, before)
