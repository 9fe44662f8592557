# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of SFTP, version 3, that talks to a program on its standard input and output, written from the draft
(draft-ietf-secsh-filexfer-02) and not from src/cmd/send_server.c. It sends all of a file before it reads an answer."""
import struct
import subprocess
import threading

OK, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, UNSUPPORTED, NO_SPACE = 0, 2, 3, 4, 8, 14
INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT = 1, 2, 3, 4, 5, 6, 7
REMOVE, MKDIR, REALPATH, STAT, RENAME, STATUS, HANDLE, NAME, ATTRS, EXTENDED = 13, 14, 16, 17, 18, 101, 102, 104, 105, 200
WRITE_NEW = 2 | 8 | 16
# No answer takes so long: what hangs is ended, and fails.
HANG_SECONDS = 60


class Refused(Exception):
    """The server answers with a status that is not OK."""

    def __init__(self, code, text):
        super().__init__(f"status {code}: {text}")
        self.code, self.text = code, text


def text(value):
    """A string of SFTP."""
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(">I", len(value)) + value


class Client:
    """A running server and what it said."""

    def __init__(self, argv):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = b""
        self.reader = threading.Thread(target=self._read_errors)
        self.reader.start()
        self.watchdog = threading.Timer(HANG_SECONDS, self.process.kill)
        self.watchdog.start()
        self.number = 0
        self.extensions = {}

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def send(self, kind, body):
        """Send a packet."""
        self.raw(struct.pack(">IB", 1 + len(body), kind) + body)

    def raw(self, data):
        """Send bytes."""
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def receive(self):
        """(type, body) of the next packet."""
        head = self.process.stdout.read(5)
        if len(head) < 5:
            raise EOFError(f"no answer: {self.errors}")
        size, kind = struct.unpack(">IB", head)
        return kind, self.process.stdout.read(size - 1)

    def begin(self):
        """Agree on a version; the extensions are kept."""
        self.send(INIT, struct.pack(">I", 3))
        kind, body = self.receive()
        assert kind == VERSION and struct.unpack(">I", body[:4]) == (3,), (kind, body)
        words, at = [], 4
        while at < len(body):
            size = struct.unpack(">I", body[at:at + 4])[0]
            words.append(body[at + 4:at + 4 + size].decode())
            at += 4 + size
        self.extensions = dict(zip(words[::2], words[1::2]))
        return self

    def ask(self, kind, body):
        """Send a request and return its number."""
        self.number += 1
        self.send(kind, struct.pack(">I", self.number) + body)
        return self.number

    def answer(self, number):
        """(type, body without the number) of the answer to a request; Refused if it is a bad status."""
        kind, body = self.receive()
        assert struct.unpack(">I", body[:4]) == (number,), (number, body)
        if kind == STATUS:
            code, size = struct.unpack(">II", body[4:12])
            message = body[12:12 + size].decode()
            tag = struct.unpack(">I", body[12 + size:16 + size])[0]
            assert len(body) == 16 + size + tag, body
            if code != OK:
                raise Refused(code, message)
        return kind, body[4:]

    def do(self, kind, body):
        """A request and its answer."""
        return self.answer(self.ask(kind, body))

    def mkdir(self, path):
        """Make a directory."""
        self.do(MKDIR, text(path) + struct.pack(">I", 0))

    def open(self, path, flags=WRITE_NEW):
        """A handle."""
        kind, body = self.do(OPEN, text(path) + struct.pack(">II", flags, 0))
        assert kind == HANDLE, kind
        return body[4:4 + struct.unpack(">I", body[:4])[0]]

    def write(self, handle, data, piece=65536, offset=0):
        """Send all writes, reading answers beside them only as another thread; the first refusal is raised."""
        numbers = list(range(self.number + 1, self.number + 1 + (len(data) + piece - 1) // piece))
        refused = []

        def read():
            for number in numbers:
                try:
                    self.answer(number)
                except Refused as error:
                    refused.append(error)
        reader = threading.Thread(target=read)
        reader.start()
        for at in range(0, len(data), piece):
            self.ask(WRITE, text(handle) + struct.pack(">Q", offset + at) + text(data[at:at + piece]))
        reader.join()
        if refused:
            raise refused[0]

    def close(self, handle):
        """Complete a file."""
        self.do(CLOSE, text(handle))

    def put(self, path, data, piece=65536):
        """Write a file."""
        handle = self.open(path)
        try:
            self.write(handle, data, piece)
        finally:
            self.close(handle)

    def stat(self, path, kind=STAT):
        """The size of a file; None: the server does not tell."""
        _, body = self.do(kind, text(path))
        return struct.unpack(">Q", body[4:12])[0] if struct.unpack(">I", body[:4])[0] & 1 else None

    def remove(self, path):
        """Remove a file."""
        self.do(REMOVE, text(path))

    def rename(self, old, new, is_posix=False):
        """Rename a file."""
        if is_posix:
            self.do(EXTENDED, text("posix-rename@openssh.com") + text(old) + text(new))
        else:
            self.do(RENAME, text(old) + text(new))

    def end(self):
        """(exit status, standard error) after the end of its input."""
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        status = self.process.wait()
        self.watchdog.cancel()
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status, self.errors.decode()
