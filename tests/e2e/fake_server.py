"""A server that answers as the contract says, or breaks off as real ones do: for commands against behaviour that a healthy server never shows."""

import http.server
import json
import threading


class Seen:
    """A request as it arrived."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.headers, self.body = method, path, headers, body


class FakeServer:
    """`answers` maps "METHOD path" (without query) to a function of (request, number of earlier requests to it) that gives
    (status, headers, body), or BREAK_OFF, or (status, headers, body, bytes to send before the connection breaks)."""

    BREAK_OFF = "the connection breaks"

    def __init__(self, answers, refuse_early=()):
        self.answers = dict(answers)
        self.refuse_early = set(refuse_early)  # (METHOD path, number) whose answer comes instead of "100 Continue"
        self.seen = []
        self.lock = threading.Lock()
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def route(self):
                return f"{self.command} {self.path.split('?')[0]}"

            def times(self):
                return sum(f"{s.method} {s.path.split('?')[0]}" == self.route() for s in fake.seen)

            def handle_expect_100(self):
                if (self.route(), self.times()) in fake.refuse_early:
                    self.answer(b"")
                    self.close_connection = True
                    return False
                return super().handle_expect_100()

            def read_body(self):
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = b""
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def answer(self, body):
                request = Seen(self.command, self.path, self.headers, body)
                with fake.lock:
                    number = self.times()
                    fake.seen.append(request)
                answer = fake.answers[self.route()](request, number) if self.route() in fake.answers else error(404, "not_found")
                if answer == FakeServer.BREAK_OFF:
                    self.close_connection = True
                    return
                status, headers, content = answer[:3]
                self.send_response(status)
                length = {} if "Transfer-Encoding" in headers else {"Content-Length": str(len(content))}
                for name, value in {**length, **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if len(answer) > 3:
                    content = content[:answer[3]]
                    self.close_connection = True
                self.wfile.write(content)

            def do_GET(self):
                self.answer(self.read_body())

            do_POST = do_DELETE = do_GET

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def requests(self, method, part=""):
        return [s for s in self.seen if s.method == method and part in s.path]


def success(data, **extra):
    return 200, {"Content-Type": "application/json"}, json.dumps({"status": "success", "message": "m", "data": data, **extra}).encode()


def error(status, code, message="No.", headers=None, **extra):
    body = {"status": "error", "code": code, "message": message, "requestId": "req-7", **extra}
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode()


def job(id_, status="completed", **members):
    return {"_id": id_, "log_name": "", "type": "bulk_update", "status": status, "total": 2, "processed": 2, "success": 2, "failed": 0, "updated": 2,
            "unchanged": 0, "created": 0, "not_processed": 0, "skipped": 0, "progress": 1, "queue_position": None, "cancel_requested": False,
            "dry_run": False, "error": None, "revert_of": None, "reverted_by": None, "reverted_rows": 0, "conflicts": 0, **members}
