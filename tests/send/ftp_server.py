#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A server of ftp, or of ftps: Debian's pyftpdlib.

usage: ftp_server.py FOLDER PORT [ADDRESS [CERTIFICATE-AND-KEY]]    On loopback. The user is "sender", the password "ftp-secret".

It tells whoever has another password what that was, as no server should.
"""
import sys

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer


class Authorizer(DummyAuthorizer):
    """One that talks too much."""

    def validate_authentication(self, username, password, handler):
        try:
            super().validate_authentication(username, password, handler)
        except AuthenticationFailed as error:
            raise AuthenticationFailed(f"{password} is not the password of {username}") from error


class DataHandler(TLS_DTPHandler):
    """One that bears with clients that begin TLS before they say what for: pyftpdlib 1.5.7 takes their first bytes for an end."""

    def readable(self):
        return self._ssl_accepting or super().readable()


class ImplicitHandler(TLS_FTPHandler):
    """TLS from the first byte on."""
    dtp_handler = DataHandler

    @classmethod
    def get_ssl_context(cls):
        context = TLS_FTPHandler.get_ssl_context.__func__(cls)
        # Clients take the session of the control connection for the data, as some servers want; without a name it cannot be.
        context.set_session_id(b"tests")
        return context

    def handle(self):
        self.secure_connection(self.ssl_context)

    def handle_ssl_established(self):
        TLS_FTPHandler.handle(self)

    def ftp_AUTH(self, line):
        self.respond("550 not supported, encrypted already")


def main():
    authorizer = Authorizer()
    authorizer.add_user("sender", "ftp-secret", sys.argv[1], perm="elradfmwMT")
    handler = FTPHandler
    if len(sys.argv) > 4:
        handler = ImplicitHandler
        handler.certfile = sys.argv[4]
        handler.tls_data_required = True
    handler.authorizer = authorizer
    handler.auth_failed_timeout = 0
    FTPServer((sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1", int(sys.argv[2])), handler).serve_forever()


if __name__ == "__main__":
    main()
