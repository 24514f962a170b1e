"""Back ends that do what a test tells them, by path, and say what they saw.

    with BackEnd() as back_end:
        ... requests to 127.0.0.1:back_end.port/cut/length ...
        back_end.requests, back_end.connections

A behaviour is a function of an Exchange: it answers, or does not, and may end the connection. Those
of PATHS are what servers have been seen to do; a test adds its own. A thread a connection.
"""

import base64
import contextlib
import hashlib
import json
import re
import socket
import ssl
import struct
import threading
from collections import namedtuple

HOST = "127.0.0.1"
PATIENCE_S = 30  # of a connection nobody writes to, so that a thread ends
HEAD_LIMIT = 256 << 10
PIECE = 64 << 10

Head = namedtuple("Head", "method target version fields raw")


class Closed(Exception):
    """The connection has ended: nothing more is read from it or sent."""


def parse_head(raw):
    """The head as a plain server reads it; None for what is not one."""
    lines = raw.decode("latin-1").split("\r\n")
    first = re.fullmatch(r"(\S+) (\S+) (HTTP/1\.[01])", lines[0])
    fields = [re.fullmatch(r"([^\s:]+):[ \t]*(.*?)[ \t]*", line) for line in lines[1:]]
    if not first or not all(fields):
        return None
    return Head(*first.groups(), [field.groups() for field in fields], raw)


class Seen:
    """A request that a back end saw: `whole` says whether its body came to its end."""

    def __init__(self, connection, head):
        self.connection, self.head = connection, head
        self.body, self.trailers, self.whole = b"", [], False

    def field(self, name):
        """The values of all fields of that name, in order, with ', ' between; None without one."""
        values = [value for key, value in self.head.fields if key.lower() == name]
        return ", ".join(values) if values else None


class Connection:
    """A connection with what has been read from it and not yet taken."""

    def __init__(self, number, stream, stopped):
        self.number, self.stream, self.stopped = number, stream, stopped
        self.pending = b""
        self.requests = 0

    def more(self):
        try:
            piece = self.stream.recv(PIECE)
        except OSError as error:
            raise Closed from error
        if not piece:
            raise Closed
        self.pending += piece

    def until(self, end):
        while end not in self.pending:
            if len(self.pending) > HEAD_LIMIT:
                raise Closed
            self.more()
        taken, self.pending = self.pending.split(end, 1)
        return taken

    def exactly(self, count):
        while len(self.pending) < count:
            self.more()
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def send(self, text):
        try:
            self.stream.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        except OSError as error:
            raise Closed from error

    def close(self):
        raise Closed

    def reset(self):
        """Ends it by RST instead of FIN."""
        self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Closed

    def pause(self, seconds):
        if self.stopped.wait(seconds):
            raise Closed

    def stall(self):
        """Sends nothing more until the other side gives up."""
        while True:
            self.more()
            self.pending = b""


class Exchange:
    """A request whose head was read, and the connection to answer on."""

    def __init__(self, connection, seen):
        self.connection, self.seen = connection, seen
        self.read = False

    def read_body(self):
        """Reads the body, once; gives what it is."""
        if not self.read:
            self.read = True
            self._read_body()
            self.seen.whole = True
        return self.seen.body

    def _read_body(self):
        length = self.seen.field("content-length")
        if self.seen.field("transfer-encoding") is None:
            for _ in range(0, int(length or 0), PIECE):
                rest = int(length) - len(self.seen.body)
                self.seen.body += self.connection.exactly(min(rest, PIECE))
            return
        while size := int(self.connection.until(b"\r\n").split(b";")[0], 16):
            self.seen.body += self.connection.exactly(size)
            if self.connection.exactly(2) != b"\r\n":
                raise Closed
        while line := self.connection.until(b"\r\n"):
            self.seen.trailers.append(line.decode("latin-1"))

    def send(self, text):
        self.connection.send(text)

    def answer(self, body=b"well", fields="", status="200 OK"):
        """A whole answer with its length, behind the whole request."""
        self.read_body()
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{fields}\r\n"
        bare = self.seen.head.method == "HEAD" or status[:3] in ("204", "304")
        self.send(head.encode("latin-1") + (b"" if bare else body))


def well(exchange):
    exchange.answer()


def echo(exchange):
    """Says what arrived, and on which connection."""
    body = exchange.read_body()
    seen = exchange.seen
    exchange.answer(json.dumps({
        "method": seen.head.method, "target": seen.head.target, "fields": seen.head.fields,
        "body": body.decode("latin-1"), "trailers": seen.trailers,
        "connection": seen.connection, "number": exchange.connection.requests,
    }).encode(), "Content-Type: application/json\r\n")


def large(exchange):
    """As many bytes as its query says."""
    exchange.answer(b"x" * int(exchange.seen.head.target.partition("?")[2]))


def chunked(exchange):
    exchange.read_body()
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n")


def trailers(exchange):
    exchange.read_body()
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                  "5\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n")


def until_close(exchange):
    exchange.read_body()
    exchange.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")
    exchange.connection.close()


def old_version(exchange):
    exchange.read_body()
    exchange.send("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold")
    exchange.connection.close()


def slow_head(exchange):
    exchange.read_body()
    for byte in "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow":
        exchange.connection.pause(0.002)
        exchange.send(byte)


def slow_body(exchange):
    exchange.read_body()
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
    for _ in range(40):
        exchange.connection.pause(0.005)
        exchange.send("s")


def stall_before_head(exchange):
    exchange.connection.stall()


def stall_in_head(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nContent-Le")
    exchange.connection.stall()


def stall_in_body(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
    exchange.connection.stall()


def reads_nothing(exchange):
    """Takes the head and never the body."""
    exchange.connection.stopped.wait(PATIENCE_S)


def cut_before(exchange):
    exchange.connection.close()


def cut_head(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nContent-Le")
    exchange.connection.close()


def cut_length(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
    exchange.connection.close()


def cut_chunk(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nbegun")
    exchange.connection.close()


def cut_between_chunks(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n")
    exchange.connection.close()


def reset_before(exchange):
    exchange.connection.reset()


def reset_in_body(exchange):
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun")
    exchange.connection.pause(0.05)  # a reset takes with it what was not yet read
    exchange.connection.reset()


def stale(exchange):
    """Answers the first request of a connection, and closes at the second without a word."""
    if exchange.connection.requests > 1:
        exchange.connection.close()
    exchange.answer()


def raw(text, then="stall"):
    """Sends these bytes whatever was asked."""
    def behave(exchange):
        exchange.read_body()
        exchange.send(text)
        getattr(exchange.connection, then)()
    return behave


def early(text):
    """Answers before the request's body is read; `close` says so, as well."""
    def keeps(exchange):
        exchange.send(f"HTTP/1.1 413 Too Large\r\nContent-Length: {len(text)}\r\n\r\n{text}")
        exchange.read_body()
    return keeps


def early_close(exchange):
    exchange.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 5\r\n\r\nlarge")
    exchange.connection.close()


def interim(*heads):
    def behave(exchange):
        for head in heads:
            exchange.send(head + "\r\n\r\n")
        exchange.answer()
    return behave


def head_with_body(exchange):
    """Sends the body to HEAD as well."""
    exchange.read_body()
    exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nextra")


def websocket(exchange):
    """Grants the upgrade and sends back what comes; without one, an error."""
    if (exchange.seen.field("upgrade") or "").lower() != "websocket":
        exchange.answer(b"upgrade", "Upgrade: websocket\r\n", "426 Upgrade Required")
        return
    key = (exchange.seen.field("sec-websocket-key") or "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()  # RFC 6455, section 1.3
    exchange.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                  f"Upgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
    while True:
        if exchange.connection.pending:
            exchange.send(exchange.connection.pending)
            exchange.connection.pending = b""
        exchange.connection.more()


OK = "HTTP/1.1 200 OK\r\n"
PATHS = {
    "/": echo,
    "/well": well,
    "/large": large,
    "/chunked": chunked,
    "/trailers": trailers,
    "/until-close": until_close,
    "/old-version": old_version,
    "/slow/head": slow_head,
    "/slow/body": slow_body,
    "/stall/before-head": stall_before_head,
    "/stall/head": stall_in_head,
    "/stall/body": stall_in_body,
    "/stall/request": reads_nothing,
    "/cut/before": cut_before,
    "/cut/head": cut_head,
    "/cut/length": cut_length,
    "/cut/chunk": cut_chunk,
    "/cut/between-chunks": cut_between_chunks,
    "/reset/before": reset_before,
    "/reset/body": reset_in_body,
    "/stale": stale,
    "/bad/garbage": raw("\x16\x03\x01 this is not HTTP\r\n\r\n"),
    "/bad/status": raw("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n"),
    "/bad/version": raw("HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "/bad/two-lengths": raw(OK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "/bad/length-and-coding": raw(OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\nhello\r\n0\r\n\r\n"),
    "/bad/unknown-coding": raw(OK + "Transfer-Encoding: gzip\r\n\r\nhello"),
    "/bad/name": raw(OK + "Content-Length : 5\r\n\r\nhello"),
    "/bad/chunk": raw(OK + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n"),
    "/bad/large-head": raw(OK + "".join(f"X-{i}: {'y' * 1000}\r\n" for i in range(200)) +
                           "Content-Length: 0\r\n\r\n"),
    "/bad/unasked-101": raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                            "Upgrade: websocket\r\n\r\n"),
    "/bad/two-answers": raw(OK + "Content-Length: 4\r\n\r\nwell" +
                            OK + "Content-Length: 5\r\n\r\nsplit"),
    "/early/keep": early("large"),
    "/early/close": early_close,
    "/interim/continue": interim("HTTP/1.1 100 Continue"),
    "/interim/hints": interim("HTTP/1.1 103 Early Hints\r\nLink: </a.css>"),
    "/interim/endless": raw("HTTP/1.1 102 Processing\r\n\r\n" * 2000),
    "/head-with-body": head_with_body,
    "/websocket": websocket,
}


class BackEnd:
    """A server on a free port; `paths` are asked by the longest prefix."""

    def __init__(self, paths=None, port=0, context=None):
        self.paths = PATHS if paths is None else paths
        self.port = port
        self.context = context  # of TLS
        self.connections, self.requests = 0, []
        self.open, self.threads = {}, []
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.listener = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.stopped = threading.Event()
        self.listener = socket.create_server((HOST, self.port), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self._run(self._accept, self.listener, self.stopped)

    def stop(self):
        """As a process that is killed: listener and connections end at once. start() begins anew."""
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            for stream in self.open.values():
                with contextlib.suppress(OSError):
                    stream.shutdown(socket.SHUT_RDWR)
            threads, self.threads = self.threads, []
        for thread in threads:
            thread.join(PATIENCE_S)

    def forget(self):
        """Forgets the requests it saw."""
        with self.lock:
            self.requests = []

    def now_open(self):
        with self.lock:
            return len(self.open)

    def _run(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        with self.lock:
            self.threads = [each for each in self.threads if each.is_alive()] + [thread]
        thread.start()

    def _accept(self, listener, stopped):
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream.settimeout(PATIENCE_S)
            with self.lock:
                self.connections += 1
                number = self.connections
                self.open[number] = stream
            self._run(self._serve, number, stream, stopped)

    def _serve(self, number, stream, stopped):
        try:
            if self.context:
                stream = self.context.wrap_socket(stream, server_side=True)
            connection = Connection(number, stream, stopped)
            while True:
                self._exchange(connection)
        except (Closed, ssl.SSLError, OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.open.pop(number).close()
            stream.close()

    def _exchange(self, connection):
        head = connection.until(b"\r\n\r\n")
        connection.requests += 1
        seen = Seen(connection.number, parse_head(head) or Head("?", "?", "?", [], head))
        with self.lock:
            self.requests.append(seen)
        exchange = Exchange(connection, seen)
        if seen.head.method == "?":
            connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            connection.close()
        self.behaviour(seen.head.target)(exchange)
        exchange.read_body()

    def behaviour(self, target):
        path = target.partition("?")[0]
        if re.match(r"https?://", path):
            path = "/" + path.split("/", 3)[3]
        return self.paths[max((key for key in self.paths if path.startswith(key)), key=len,
                              default="/")]


class FullBacklog:
    """A port on which connections are never taken: the queue of its listener is full."""

    def __enter__(self):
        self.listener = socket.create_server((HOST, 0), backlog=0)
        self.port = self.listener.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex((HOST, self.port))
            self.fillers.append(filler)
        return self

    def __exit__(self, *_):
        for each in [*self.fillers, self.listener]:
            each.close()


def free_port():
    """A port nobody listens on at this moment."""
    with socket.create_server((HOST, 0)) as probe:
        return probe.getsockname()[1]
