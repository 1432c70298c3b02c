"""An HTTP gateway on loopback that misbehaves on command, and counts what it took."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass(frozen=True)
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What goes out; ``cut`` closes the connection instead, ``silent`` leaves it as it is."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    silent: bool = False


class Gateway:
    """Keeps every request and answers by a function of it and its number."""

    def __init__(self, answer: Callable[[Request, int], Reply]) -> None:
        self.answer = answer
        self.seen: list[Request] = []
        self.lock = threading.Lock()

    def handle(self, request: Request) -> Reply:
        with self.lock:
            number = len(self.seen)
            self.seen.append(request)
        return self.answer(request, number)


@contextmanager
def http_server(gateway: Gateway) -> Iterator[str]:
    """Yield ``host:port`` of a running gateway."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = gateway.handle(Request(self.path, dict(self.headers), body))
            if reply.silent:
                self.close_connection = over.wait()
                return
            if reply.cut:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            content = (
                reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            )
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def client_for(reply: Reply | None = None) -> httpx.Client:
    """Return a client with the time that a slow machine needs; for silence hardly any."""
    is_silent = reply is not None and reply.silent
    return httpx.Client(timeout=httpx.Timeout(30.0, read=0.2 if is_silent else 30.0))
