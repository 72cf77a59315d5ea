"""A client of the API with nothing but the standard library."""

import http.client
import json
import time
import urllib.parse
import uuid

UPDATE = "/v1/users/bulk-update"
PREMIUM = "/v1/users/bulk-update-premium-currency"
IMPORT = "/v1/users/bulk-import"
FINAL = ("completed", "failed", "cancelled")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json["code"]

    def __repr__(self):
        return f"<{self.status} {self.body[:2000]!r}>"


class Api:
    """Requests with one credential. Each opens a connection of its own, so that threads may share an object."""

    def __init__(self, url, key=None, timeout_s=60):
        self.url = urllib.parse.urlsplit(url)
        self.key = key
        self.timeout_s = timeout_s

    def connect(self):
        return http.client.HTTPConnection(self.url.hostname, self.url.port, timeout=self.timeout_s)

    def headers(self):
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def request(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            try:
                connection.request(method, path, body, {**self.headers(), **(headers or {})})
            except (BrokenPipeError, ConnectionResetError):
                # A refusal can come before the body is sent; the answer is there to be read, if there ever was a connection.
                if connection.sock is None:
                    raise
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None):
        return self.request("GET", path, None, headers)

    def post(self, path, body=b"", headers=None):
        return self.request("POST", path, body, headers)

    def upload(self, path, data, fields=None, fields_after=None, headers=None, file_name="file.csv"):
        body, content_type = multipart(data, fields, fields_after, file_name)
        return self.post(path, body, {"Content-Type": content_type, **(headers or {})})

    def queue(self, path, data, **options):
        """Uploads and gives the job's id."""
        answer = self.upload(path, data, **options)
        assert answer.status == 200, answer
        return answer.json["data"]["id"]

    def job(self, job):
        answer = self.get(f"{UPDATE}/{job}/status")
        assert answer.status == 200, answer
        return answer.json["data"]

    def wait_for_job(self, job, deadline_s=60):
        end = time.monotonic() + deadline_s
        while True:
            status = self.job(job)
            if status["status"] in FINAL:
                return status
            assert time.monotonic() < end, f"After {deadline_s} s the job is still {status}"
            time.sleep(0.02)

    def run(self, path, data, deadline_s=60, **options):
        """Uploads, waits for the end, gives the job's status."""
        return self.wait_for_job(self.queue(path, data, **options), deadline_s)

    def details(self, job, **query):
        answer = self.get(f"{UPDATE}/{job}/details" + (f"?{urllib.parse.urlencode(query)}" if query else ""))
        assert answer.status == 200, answer
        return answer.json["data"]

    def events(self, job, last_id=None):
        return EventStream(self, job, last_id)

    def row_errors(self, job):
        """(row, code) of every problem of the first 500 refused rows."""
        return [(row["row"], error["code"]) for row in self.details(job, status="failed", limit=500)["rows"] for error in row["errors"]]


class EventStream:
    """A job's progress as it comes: an iterator of (id, event, data). A comment is (None, "comment", its text)."""

    def __init__(self, api, job, last_id=None):
        self.connection = api.connect()
        headers = {**api.headers(), **({"Last-Event-ID": str(last_id)} if last_id is not None else {})}
        self.connection.request("GET", f"{UPDATE}/{job}/events", headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.headers = self.answer.headers

    def __iter__(self):
        event = {}
        while line := self.answer.readline().decode():
            line = line.rstrip("\n")
            if line.startswith(":"):
                yield None, "comment", line[1:].strip()
            elif line:
                name, value = line.split(": ", 1)
                event[name] = value
            elif "data" in event:
                yield int(event["id"]) if "id" in event else None, event["event"], json.loads(event["data"])
                event = {}
            else:
                event = {}

    def close(self):
        self.answer.close()
        self.connection.close()


def field_part(boundary, name, value):
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def multipart(data, fields=None, fields_after=None, file_name="file.csv"):
    """A form as browsers and curl send it: fields, then the file, then the fields that come after it."""
    boundary = "form-" + uuid.uuid4().hex
    body = b"".join(field_part(boundary, k, v) for k, v in (fields or {}).items())
    if data is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="data"; filename="{file_name}"\r\nContent-Type: text/csv\r\n\r\n'
        body += head.encode() + data + b"\r\n"
    body += b"".join(field_part(boundary, k, v) for k, v in (fields_after or {}).items())
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class SlowUpload:
    """An upload that stops before its last bytes until it is told to go on."""

    def __init__(self, api, data):
        self.body, content_type = multipart(data)
        self.connection = api.connect()
        self.connection.putrequest("POST", PREMIUM)
        for name, value in {**api.headers(), "Content-Type": content_type, "Content-Length": str(len(self.body))}.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        self.connection.send(self.body[:-20])

    def finish(self):
        self.connection.send(self.body[-20:])
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())
