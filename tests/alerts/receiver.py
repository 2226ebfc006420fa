"""Who is told: an HTTP server on loopback that speaks as Telegram, Slack, Discord, or anybody, and
holds every message against what the real one allows."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

TOKEN = "123456789:AAEsecretsecretsecretsecretsecret12"
CHAT = "-100987654"
SLACK_PATH = "/services/T0SECRET0/B0SECRET0/SecretSecretSecret"
DISCORD_PATH = "/api/webhooks/1122334455/SecretToken-of_Discord"
HOOK_PATH = "/hooks/SecretHook"
MOST = {"telegram": 4096, "discord": 2000, "slack": 4000}


class Post(msgspec.Struct):
    """One request. form: of which of the four. fault: what the real receiver would not take."""

    form: str
    method: str
    path: str
    body: dict[str, Any]
    at: float
    fault: str = ""

    @property
    def text(self) -> str:
        return str(self.body.get("text") or self.body.get("content"))


class Receiver:
    """Everything it was sent is in `posts`, what it shows in `messages` by their names.

    refusals: (status, headers, body) of answers to come, before all is well again. silent: it
    takes requests and does not answer while this is set. drip_s: so long between two bytes.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.messages: dict[int, str] = {}
        self.replies: dict[int, int] = {}  # message -> the one that it answers
        self.refusals: list[tuple[int, dict[str, str], bytes]] = []
        self.silent = threading.Event()
        self.drip_s = 0.0
        self.ending = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever,
                                        kwargs={"poll_interval": 0.02}, name="receiver")
        self._thread.start()

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self, *forms: str) -> dict[str, str]:
        """For the bot. forms: telegram, and one of slack, discord, webhook."""
        paths = {"slack": SLACK_PATH, "discord": DISCORD_PATH, "webhook": HOOK_PATH}
        found = {"ALERT_WEBHOOK_URL": self.base + path
                 for form, path in paths.items() if form in forms}
        if "telegram" in forms:
            found |= {"ALERT_TELEGRAM_TOKEN": TOKEN, "ALERT_TELEGRAM_CHAT": CHAT,
                      "ALERT_TELEGRAM_URL": self.base}
        return found

    def of(self, form: str) -> list[Post]:
        return [post for post in self.posts if post.form == form]

    def stop(self) -> None:
        self.ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        """As the real ones would."""
        post = Post(_form(path), method, path, body, time.monotonic())
        self.posts.append(post)
        answer = getattr(self, f"_{post.form}")(post)
        length = len(post.text.encode("utf-16-le")) // 2
        if length > MOST.get(post.form, 1 << 20):
            post.fault = f"{length} characters"
        return answer  # type: ignore[no-any-return]

    def _webhook(self, post: Post) -> tuple[int, bytes]:
        return 200, b""

    def _slack(self, post: Post) -> tuple[int, bytes]:
        if not isinstance(post.body.get("text"), str):
            post.fault = "no_text"
        return 200, b"ok"

    def _discord(self, post: Post) -> tuple[int, bytes]:
        if post.body.get("allowed_mentions") != {"parse": []}:
            post.fault = "mentions"
        if post.method == "PATCH":
            name = int(post.path.partition("?")[0].rsplit("/", 1)[1])
            if name not in self.messages:
                return 404, b'{"message": "Unknown Message", "code": 10008}'
        else:
            name = self._new()
        self.messages[name] = post.text
        if post.method == "POST" and "wait=true" not in post.path:
            return 204, b""
        return 200, json.dumps({"id": str(name), "content": post.text}).encode()

    def _telegram(self, post: Post) -> tuple[int, bytes]:
        if "parse_mode" in post.body:
            post.fault = "what is not escaped would be lost"
        verb = post.path.rsplit("/", 1)[1]
        if verb == "editMessageText":
            name = post.body["message_id"]
            if name not in self.messages:
                return _telegram_fault(400, "Bad Request: message to edit not found")
            if self.messages[name] == post.text:
                return _telegram_fault(400, "Bad Request: message is not modified: specified new "
                                            "message content is exactly the same")
        else:
            name = self._new()
            if "reply_parameters" in post.body:
                self.replies[name] = post.body["reply_parameters"]["message_id"]
        self.messages[name] = post.text
        return 200, json.dumps({"ok": True, "result": {"message_id": name}}).encode()

    def _new(self) -> int:
        return 100 + len(self.messages)


def _telegram_fault(status: int, words: str) -> tuple[int, bytes]:
    return status, json.dumps(
        {"ok": False, "error_code": status, "description": words}).encode()


def _form(path: str) -> str:
    if path.startswith("/bot"):
        return "telegram"
    if path.startswith("/services"):
        return "slack"
    return "discord" if path.startswith("/api/webhooks") else "webhook"


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            while receiver.silent.is_set() and not receiver.ending.wait(0.01):
                pass
            if receiver.ending.is_set():
                return
            headers: dict[str, str] = {}
            if receiver.refusals:
                status, headers, said = receiver.refusals.pop(0)
                receiver.posts.append(Post(_form(self.path), self.command, self.path, body,
                                           time.monotonic(), f"refused {status}"))
            else:
                status, said = receiver.take(self.command, self.path, body)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(said))}).items():
                self.send_header(name, value)
            self.end_headers()
            self._say(said)

        def do_PATCH(self) -> None:
            self.do_POST()

        def _say(self, said: bytes) -> None:
            try:
                for at in range(len(said)) if receiver.drip_s else ():
                    self.wfile.write(said[at:at + 1])
                    if receiver.ending.wait(receiver.drip_s):
                        return
                if not receiver.drip_s:
                    self.wfile.write(said)
            except OSError:
                pass  # nobody listens any more

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on stderr."""

    return Handler


@contextmanager
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    try:
        yield server
    finally:
        server.stop()
