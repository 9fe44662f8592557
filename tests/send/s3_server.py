#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A store in the manner of S3: OpenStack Swift with its s3api, in one process, objects in memory.

usage: s3_server.py FOLDER PORT [ADDRESS]    On loopback. The key is "kdump:sender", the secret "storekey".

Swift checks signatures of version 4, with the digest of the body; a wrong one is refused.
"""
import os
import sys

import eventlet
eventlet.monkey_patch()
# pylint: disable=wrong-import-position
import eventlet.wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.storage_policy import reload_storage_policies  # noqa: E402
from swift.common import utils  # noqa: E402
from swift.common.wsgi import loadapp  # noqa: E402

KINDS = {"account": "swift.account.server", "container": "swift.container.server", "object": "swift.obj.mem_server"}
PROXY = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth slo proxy-server
[app:proxy-server]
paste.app_factory = swift.proxy.server:app_factory
account_autocreate = true
[filter:s3api]
paste.filter_factory = swift.common.middleware.s3api.s3api:filter_factory
location = us-east-1
s3_acl = false
[filter:tempauth]
paste.filter_factory = swift.common.middleware.tempauth:filter_factory
user_kdump_sender = storekey .admin
[filter:slo]
paste.filter_factory = swift.common.middleware.slo:filter_factory
[filter:catch_errors]
paste.filter_factory = swift.common.middleware.catch_errors:filter_factory
[filter:gatekeeper]
paste.filter_factory = swift.common.middleware.gatekeeper:filter_factory
[filter:listing_formats]
paste.filter_factory = swift.common.middleware.listing_formats:filter_factory
"""
STORAGE = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
paste.app_factory = {module}:app_factory
"""


class Cache:
    """What Swift keeps in memcached, and its s3api wants to have."""

    def __init__(self):
        self.values = {}

    def get(self, key, **_):
        """The value of a key, or None."""
        return self.values.get(key)

    def set(self, key, value, **_):
        """Keep a value."""
        self.values[key] = value

    def delete(self, key, **_):
        """Forget a value."""
        self.values.pop(key, None)


def with_cache(app):
    """The application, with a cache."""
    cache = Cache()

    def call(env, start_response):
        env["swift.cache"] = cache
        return app(env, start_response)
    return call


def listen(port, address="127.0.0.1"):
    """A listening socket."""
    return eventlet.listen((address, port))


def start(folder, name, text, listener):
    """Serve an application."""
    path = os.path.join(folder, f"{name}.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    app = with_cache(loadapp(path, global_conf={"log_name": name}))
    log = open(os.path.join(folder, f"{name}.log"), "w", encoding="utf-8", buffering=1)  # pylint: disable=consider-using-with
    return eventlet.spawn(eventlet.wsgi.server, listener, app, log)


def main():
    folder, port = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    os.makedirs(os.path.join(folder, "devices", "d1"))
    with open(os.path.join(folder, "swift.conf"), "w", encoding="ascii") as file:
        file.write("[swift-hash]\nswift_hash_path_suffix = kdump\n[storage-policy:0]\nname = gold\ndefault = yes\n")
    utils.SWIFT_CONF_FILE = os.path.join(folder, "swift.conf")
    utils.HASH_PATH_SUFFIX, utils.HASH_PATH_PREFIX = b"kdump", b""
    reload_storage_policies()
    listeners = {kind: listen(0) for kind in KINDS}
    for kind, listener in listeners.items():
        ring = RingBuilder(part_power=1, replicas=1, min_part_hours=0)
        ring.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": listener.getsockname()[1], "device": "d1",
                      "weight": 1.0})
        ring.rebalance()
        ring.get_ring().save(os.path.join(folder, f"{kind}.ring.gz"))
    servers = [start(folder, kind, STORAGE.format(folder=folder, kind=kind, module=KINDS[kind]), listeners[kind])
               for kind in KINDS]
    # Only now: the port being open means that it is ready.
    servers.append(start(folder, "proxy", PROXY.format(folder=folder), listen(port, *sys.argv[3:4])))
    for server in servers:
        server.wait()


if __name__ == "__main__":
    main()
