"""What people do: they speak JSON, and get mails."""

import email
import email.policy
import json

from harness import wait_until


class Person:
    """Speaks JSON, and remembers every answer."""

    def __init__(self, server):
        self.server = server
        self.answers = []

    def ask(self, method, path, body=None, key=None, headers=None, expect=200):
        sent = {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {}), **(headers or {})}
        answer = self.server.api().request(method, path, json.dumps(body) if body is not None else None, sent)
        assert answer.status == expect, answer
        self.answers.append((f"{method} {path.split('?')[0]}", answer.body))
        return answer

    def post(self, path, body, **options):
        return self.ask("POST", path, body, **options).json


class Letters:
    """The mails of the folder, each read once."""

    def __init__(self, installation):
        self.folder = installation.data / "mail"
        self.read = set()

    def next(self, to):
        def found():
            for path in sorted(self.folder.glob("*.eml")) if self.folder.exists() else []:
                mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if path not in self.read and mail["To"] == to:
                    self.read.add(path)
                    return mail.get_content()
            return None
        return wait_until(found, 10, f"a mail to {to}")
