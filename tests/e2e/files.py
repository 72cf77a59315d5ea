"""CSV files for tests."""

HEADER = "Email,Premium Currency,Premium Currency_op"


def email(number):
    return f"member{number}@example.org"


def members(count, first=1):
    """An import of `count` members."""
    rows = (f"{email(n)},member{n},First{n},Last{n}" for n in range(first, first + count))
    return ("Email,Username,First Name,Last Name\n" + "\n".join(rows) + "\n").encode()


def premium(rows):
    """A premium-currency file of (e-mail, operator, value)."""
    return (HEADER + "\n" + "".join(f"{who},{value},{op}\n" for who, op, value in rows)).encode()


def add_to_all(count, value=1, times=1):
    """Each of the first `count` members gets `value`, `times` times over."""
    return premium((email(n), "add", value) for _ in range(times) for n in range(1, count + 1))
