# SPDX-License-Identifier: GPL-2.0-or-later
"""A server of http that is wrong in the way that the first part of a path names; below /s3-… a store, which takes any signature.

What the ways are is in the functions way_…; a file of any other way is kept as it is.
"""
import hashlib
import http.server
import re
import threading
import urllib.parse

MIB = 1024 * 1024


class Died(Exception):
    """The server ends the connection."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""
    protocol_version = "HTTP/1.1"
    # Each of its files, its parts, how often it was asked for what; shared by all connections.
    files, uploads, asked = {}, {}, {}
    lock = threading.Lock()
    released = threading.Event()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def way(self):
        """First part of the path."""
        return self.path.split("/")[1]

    def body(self, limit=None):
        """The body, or no more than its begin."""
        data = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while True:
                size = int(self.rfile.readline(), 16)
                data += self.rfile.read(size)
                self.rfile.readline()
                if not size or (limit and len(data) >= limit):
                    return data
        return self.rfile.read(min(int(self.headers.get("Content-Length", 0)), limit or 1 << 40))

    def reply(self, status, content=b"", headers=(), length=None):
        """Answer."""
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if length != -1:
            self.send_header("Content-Length", str(len(content) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def is_first(self):
        """Whether this is asked for the first time."""
        with self.lock:
            key = (self.command, self.path)
            self.asked[key] = self.asked.get(key, 0) + 1
            return self.asked[key] == 1

    def handle_expect_100(self):
        way = self.way()
        if way in ("moved", "refused"):
            return True    # The answer comes without the body.
        if way == "stall":
            self.released.wait()
            raise Died
        return super().handle_expect_100()

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (Died, ConnectionError):
            self.close_connection = True

    def do_MKCOL(self):
        """WebDAV is not here."""
        self.reply(405)

    def do_PUT(self):
        """A file, or a part."""
        way = self.way()
        if way == "moved":
            self.close_connection = True
            self.reply(301, headers=[("Location", "http://elsewhere.example/x")])
        elif way == "refused":
            self.close_connection = True
            self.reply(403)
        elif way == "stall":
            self.released.wait()
            raise Died
        elif way == "die":
            self.body(2 * MIB)
            raise Died
        elif way == "full":
            self.body(2 * MIB)
            self.close_connection = True
            self.reply(507)
        elif way.startswith("s3-"):
            self.put_s3(way)
        else:
            data = self.body()
            self.files[self.path] = data[:len(data) // 2] if way == "half" else data
            self.reply(201)

    def do_HEAD(self):
        """What there is of a file."""
        way, data = self.way(), self.files.get(self.path)
        if way == "nohead":
            self.reply(405)
        elif way == "s3-writeonly":
            self.reply(403)
        elif data is None:
            self.reply(404)
        elif way == "quiet":
            self.reply(200, length=-1)
        else:
            headers = [("ETag", f'"{self.etag(way, data)}"')] if way.startswith("s3-") else []
            if way == "s3-kms":
                headers.append(("x-amz-server-side-encryption", "aws:kms"))
            self.reply(200, headers=headers, length=len(data))

    def do_DELETE(self):
        """A file, or an upload."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        if "uploadId" in query:
            self.uploads.pop(query["uploadId"][0], None)
        else:
            self.files.pop(self.path, None)
        self.reply(204)

    def etag(self, way, data):
        """Receipt of a store."""
        if way in ("s3-wrong", "s3-kms"):
            return hashlib.md5(b"x" + data).hexdigest()
        with self.lock:
            return self.asked.get(("etag", data)) or hashlib.md5(data).hexdigest()

    def put_s3(self, way):
        """A file, or a part of one, of a store."""
        data = self.body()
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query)
        if way == "s3-broken" or (way == "s3-flaky" and self.is_first()):
            self.reply(503, b"<Error><Code>SlowDown</Code><Message>Not <b>now</b></Message></Error>")
            return
        if way == "s3-drop" and self.is_first():
            raise Died
        if hashlib.sha256(data).hexdigest() != self.headers["x-amz-content-sha256"]:
            self.reply(400)
            return
        if "uploadId" in query:
            self.uploads[query["uploadId"][0]][int(query["partNumber"][0])] = data
        else:
            self.files[url.path] = data[:len(data) // 2] if way == "s3-half" else data
        headers = [("ETag", f'"{self.etag(way, data)}"')]
        if way == "s3-kms":
            headers.append(("x-amz-server-side-encryption", "aws:kms"))
        self.reply(200, headers=headers)

    def do_POST(self):
        """Begin of parts, or their end."""
        data = self.body()
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        way = self.way()
        if "uploads" in query:
            name = f"id/{len(self.uploads)}+="
            self.uploads[name] = {}
            self.reply(200, f"<R><UploadId>{name}</UploadId></R>".encode())
            return
        parts = self.uploads.get(query["uploadId"][0])
        if parts is None:
            self.reply(404, b"<Error><Code>NoSuchUpload</Code></Error>")
            return
        if way == "s3-late" and self.is_first():
            self.reply(200, b"<?xml version='1.0'?>\n   <Error><Code>InternalError</Code></Error>")
            return
        numbers = [int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", data)]
        content = b"".join(parts[number] for number in numbers)
        digests = b"".join(hashlib.md5(parts[number]).digest() for number in numbers)
        self.asked["etag", content] = f"{hashlib.md5(digests).hexdigest()}-{len(numbers)}"
        self.files[url.path] = content
        del self.uploads[query["uploadId"][0]]
        if way == "s3-lost":
            raise Died
        self.reply(200, b"<CompleteMultipartUploadResult/>")


class Fake:
    """The server, on a port of its own choice."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.files, self.uploads, self.asked = Handler.files, Handler.uploads, Handler.asked
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """End it, with what it keeps waiting."""
        Handler.released.set()
        self.server.shutdown()
