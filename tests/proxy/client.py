"""A client that sends bytes as they are and reads answers with all they say."""

import socket
import ssl
from collections import namedtuple

HOST = "127.0.0.1"
PATIENCE_S = 10

# whole: the answer came to the end it announced. interim: the 1xx heads before it.
Answer = namedtuple("Answer", "status fields body whole interim trailers")


class Ended(Exception):
    """The connection ended before the head of an answer was whole."""


class Client:
    def __init__(self, port, context=None, server_name=None, timeout=None, source=None):
        self.stream = socket.create_connection((HOST, port), timeout or PATIENCE_S, source)
        self.stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.stream = context.wrap_socket(self.stream, server_hostname=server_name)
        self.host = server_name or "test.example"
        self.pending = b""
        self.ended = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stream.close()

    def send(self, text):
        self.stream.sendall(text.encode("latin-1") if isinstance(text, str) else text)
        return self

    def ask(self, path, method="GET", fields="", body=None):
        """Sends a request and reads its answer."""
        length = f"Content-Length: {len(body)}\r\n" if body is not None else ""
        self.send(f"{method} {path} HTTP/1.1\r\nHost: {self.host}\r\n{fields}{length}\r\n"
                  .encode("latin-1") + (body or b""))
        return self.read_answer(method)

    def more(self):
        """Reads what has come; False at the connection's end. A reset counts as one."""
        if self.ended:
            return False
        try:
            piece = self.stream.recv(1 << 16)
        except (ConnectionError, ssl.SSLError):
            piece = b""
        self.pending += piece
        self.ended = not piece
        return bool(piece)

    def until_end(self):
        """Everything until the other side closes."""
        while self.more():
            pass
        taken, self.pending = self.pending, b""
        return taken

    def _until(self, end):
        while end not in self.pending:
            if not self.more():
                raise Ended(self.pending)
        taken, self.pending = self.pending.split(end, 1)
        return taken

    def _exactly(self, count):
        while len(self.pending) < count:
            if not self.more():
                break
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def _head(self):
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), []).append(value.strip())
        return int(lines[0].split(" ")[1]), {key: ", ".join(all) for key, all in fields.items()}

    def read_answer(self, method="GET"):
        """The next answer, behind its interim ones; raises Ended where there is none."""
        interim = []
        status, fields = self._head()
        while 100 <= status < 200 and status != 101:
            interim.append((status, fields))
            status, fields = self._head()
        trailers = []
        if method == "HEAD" or status in (101, 204, 304):
            body, whole = b"", True
        elif fields.get("transfer-encoding") == "chunked":
            body, whole = self._chunks(trailers)
        elif "content-length" in fields:
            length = int(fields["content-length"])
            body = self._exactly(length)
            whole = len(body) == length
        else:
            body, whole = self.until_end(), True
        return Answer(status, fields, body, whole, interim, trailers)

    def _chunks(self, trailers):
        body = b""
        try:
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                piece = self._exactly(size)
                body += piece
                if len(piece) < size or self._exactly(2) != b"\r\n":
                    return body, False
            while line := self._until(b"\r\n"):
                trailers.append(line.decode("latin-1"))
        except Ended:
            return body, False
        return body, True

    def is_closed(self):
        """Whether the other side closes without another byte."""
        return not self.pending and not self.more()
