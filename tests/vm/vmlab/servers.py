# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that get dumps, in the network of the guest.

Their programs come from a tree of their own, in which each sees the folder of its scenario as /work; stores and web servers are those
of tests/send.
"""

import os
import pathlib
import shutil
import signal
import time

from . import network
from .command import LabError, run

# In the guest: a key that was made for it.
GUEST_KEY = "/root/.ssh/kdump_id_ed25519"
DUMPS = "/work/dumps"

GANESHA = f"""
NFS_CORE_PARAM {{ Protocols = 4; Enable_NLM = false; Enable_RQUOTA = false; }}
NFS_KRB5 {{ Active_krb5 = false; }}
NFSV4 {{ Graceless = true; RecoveryBackend = fs; RecoveryRoot = "/work/recovery"; }}
EXPORT {{
    Export_Id = 1; Path = "{DUMPS}"; Pseudo = "/dumps"; Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
    FSAL {{ Name = VFS; }}
}}
LOG {{ Default_Log_Level = EVENT; }}
"""

SSHD = """ListenAddress {address}
HostKey /work/host_key
AuthorizedKeysFile /work/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
"""

IN_TREE = """mount --make-rprivate /
mount --bind "$2" "$1/work"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount -t tmpfs none "$1/run"
mkdir -p "$1/run/sshd"
ln -sf /proc/self/mounts "$1/etc/mtab"
cd /
exec chroot "$1" sh -euc "$3"
"""


class Server:
    """Runs until the network ends."""

    port = 0
    script = ""
    tree = ""                 # of debian.SERVER_PACKAGES; "": its programs are this machine's
    savedir = ""
    has_disk = False          # the first disk of the scenario is in this server, not in the guest
    needs_storage = False     # the guest needs debian.STORAGE_PACKAGES

    def __init__(self, peer, trees):
        self.peer = peer
        self.folder = peer.folder / "server"
        self.dumps = self.folder / "dumps"
        self.dumps.mkdir(parents=True)
        self.make()
        self.child = child = peer.start("server.log", self.command(trees.get(self.tree)))
        deadline = time.monotonic() + 60
        while run(peer.inside(["sh", "-c", f"ss -Hltn sport = :{self.port} | grep -q LISTEN"]), ok=None)[0] != 0:
            if child.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"no server on port {self.port}: {peer.text('server.log')[-2000:]}")
            time.sleep(0.05)  # it is in another network, where nothing of ours can be told of it

    def command(self, tree):
        """What is run, in the network."""
        return ["unshare", "--mount", "sh", "-euc", IN_TREE, "sh", tree, self.folder, self.script]

    def make(self):
        """What the server needs."""

    def wait_for_dump(self, size, limit_s):
        """Until so many bytes of a dump have come."""
        deadline = time.monotonic() + limit_s
        while sum(path.stat().st_size for path in self.dumps.rglob("*") if path.is_file()) < size:
            if time.monotonic() > deadline:
                raise LabError(f"no {size} bytes came to the server in {limit_s} s: {self.peer.text('server.log')[-2000:]}")
            time.sleep(0.05)  # nothing else tells what the server writes

    def _signal(self, number):
        """To the server and all processes that it has made."""
        parents = [tuple(map(int, line.split())) for line in run(["ps", "-e", "-o", "ppid=,pid="])[1].splitlines()]
        found = [self.child.pid]
        for pid in found:
            found += [child for parent, child in parents if parent == pid]
        for pid in found:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        """It is gone from one moment to the next."""
        self._signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """It takes what is sent to it, and answers nothing any more."""
        self._signal(signal.SIGSTOP)

    def collect(self):
        """When the machine has ended: what can only be asked for as long as the server runs."""

    def prepare(self, guest):
        """What the guest's administrator does; more of the configuration."""
        del guest
        return {}

    def names(self):
        """Of the dumps that came, whole or not."""
        return sorted(path.name for path in self.dumps.rglob("guest-*"))

    def taken_for_whole(self):
        """Of those that a person would take for whole: by their names, and where names cannot be changed by their manifests."""
        return [path.name for path in self.dumps.rglob("guest-*")
                if not path.name.endswith(".incomplete") and (path / "manifest.sha256").exists()]

    def dump_directory(self):
        """The one finished dump."""
        names = self.names()
        if len(names) != 1 or names[0].endswith(".incomplete"):
            raise LabError(f"the server has {names or 'nothing'}, not one finished dump")
        return next(self.dumps.rglob("guest-*"))


class Nfs(Server):
    """nfs-ganesha, a server in user space."""

    tree = "files"
    savedir = f"nfs://{network.PEER}/dumps"
    port = 2049
    # What is exported has to be the root of a file system.
    script = f"mount --bind {DUMPS} {DUMPS}; exec ganesha.nfsd -F -L /dev/stdout -f /work/ganesha.conf -p /run/pid"

    def make(self):
        (self.folder / "recovery").mkdir()
        (self.folder / "ganesha.conf").write_text(GANESHA, encoding="ascii")


SAMBA = f"""[global]
interfaces = {network.PEER}
bind interfaces only = yes
server role = standalone server
disable netbios = yes
smb ports = 445
private dir = /run/private
lock directory = /run/lock
state directory = /run/state
cache directory = /run/cache
pid directory = /run
ncalrpc dir = /run/ncalrpc
load printers = no
[dumps]
path = {DUMPS}
read only = no
"""


class Cifs(Server):
    """Samba, with a password that needs to be quoted everywhere."""

    tree = "files"
    port = 445
    savedir = f"cifs://root:c%2cif%20s%21@{network.PEER}/dumps/below"
    script = ("mkdir -p /run/private /run/lock /run/state /run/cache /run/ncalrpc; printf 'c,if s!\\nc,if s!\\n' | "
              "smbpasswd -c /work/smb.conf -a -s root; exec smbd -F --no-process-group --debug-stdout -s /work/smb.conf")

    def make(self):
        (self.folder / "smb.conf").write_text(SAMBA, encoding="ascii")


class Ssh(Server):
    """OpenSSH's."""

    tree = "ssh"
    port = 22
    address = network.PEER
    savedir = f"ssh://root@{network.PEER}{DUMPS}/below"
    script = "usermod -p '*' root; exec /usr/sbin/sshd -D -e -f /work/sshd_config"

    def make(self):
        for name in ("host_key", "guest_key"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / name])
        shutil.copy(self.folder / "guest_key.pub", self.folder / "authorized_keys")
        (self.folder / "sshd_config").write_text(SSHD.format(address=self.address), encoding="ascii")

    def prepare(self, guest):
        key, public = (self.folder / "guest_key").read_text(), (self.folder / "host_key.pub").read_text().split()
        guest.sh(f"mkdir -p -m 700 /root/.ssh; umask 077; cat >{GUEST_KEY} <<'END'\n{key}END\n"
                 f"echo '{self.address} {public[0]} {public[1]}' >>/root/.ssh/known_hosts")
        return {"KDUMP_SSH_IDENTITY": GUEST_KEY}


class Ssh6(Ssh):
    """The same, over IPv6."""

    address = network.SERVER6
    savedir = f"ssh://root@[{network.SERVER6}]{DUMPS}"

    def make(self):
        super().make()
        run(["ip", "-netns", self.peer.name, "-6", "address", "add", f"{self.address}/64", "dev", "lan", "nodad"])


class Sftp(Ssh):
    """The same, for users who may not run commands."""

    savedir = f"sftp://root@{network.PEER}{DUMPS}"

    def make(self):
        super().make()
        with open(self.folder / "sshd_config", "a", encoding="ascii") as file:
            file.write("ForceCommand internal-sftp\n")


# Debian's, which has the modules of its packages.
PYTHON = "/usr/bin/python3"
SEND = pathlib.Path(__file__).resolve().parent.parent.parent / "send"


class Store(Server):
    """Swift, as a store in the manner of S3."""

    port = 9000
    savedir = "s3://kdump%3asender:storekey@crash/machines/guest"

    def command(self, tree):
        return [PYTHON, SEND / "s3_server.py", self.folder, str(self.port), network.PEER]

    def _ask(self, script):
        client = "import boto3, pathlib, sys\nfrom botocore.client import Config\n" \
            f"store = boto3.client('s3', endpoint_url='http://{network.PEER}:{self.port}', region_name='us-east-1', " \
            "aws_access_key_id='kdump:sender', aws_secret_access_key='storekey', config=Config(s3={'addressing_style': 'path'}))\n"
        run(self.peer.inside([PYTHON, "-c", client + script, self.dumps]), timeout_s=300)

    def prepare(self, guest):
        self._ask("store.create_bucket(Bucket='crash')")
        return {"KDUMP_S3_ENDPOINT": f"http://{network.PEER}:{self.port}"}

    def collect(self):
        self._ask("for one in store.list_objects_v2(Bucket='crash', Prefix='machines/guest/').get('Contents', []):\n"
                  "    path = pathlib.Path(sys.argv[1]) / one['Key']\n"
                  "    path.parent.mkdir(parents=True, exist_ok=True)\n"
                  "    store.download_file('crash', one['Key'], str(path))\n")


class Ftp(Server):
    """pyftpdlib, with a password."""

    port = 21
    savedir = f"ftp://sender:ftp%2dsecret@{network.PEER}/"

    def command(self, tree):
        return [PYTHON, SEND / "ftp_server.py", self.dumps, str(self.port), network.PEER]


APACHE = """ServerRoot {folder}
Listen {address}:{port}
ServerName dumps.example
PidFile {folder}/pid
ErrorLog {folder}/error.log
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule dav_module {modules}/mod_dav.so
LoadModule dav_fs_module {modules}/mod_dav_fs.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule auth_basic_module {modules}/mod_auth_basic.so
LoadModule authn_core_module {modules}/mod_authn_core.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_user_module {modules}/mod_authz_user.so
User www-data
Group www-data
DavLockDB {folder}/locks/db
DocumentRoot {folder}/dumps
SSLEngine on
SSLCertificateFile {folder}/server.crt
SSLCertificateKeyFile {folder}/server.key
<Directory {folder}/dumps>
    Dav On
    AuthType Basic
    AuthName dumps
    AuthUserFile {folder}/users
    Require valid-user
</Directory>
"""


class Https(Server):
    """Apache with WebDAV, with a certificate that nobody but our authority has signed, and a password."""

    port = 443
    savedir = "https://sender:web%2dsecret@dumps.example/"

    def command(self, tree):
        return ["/usr/sbin/apache2", "-f", self.folder / "apache.conf", "-DFOREGROUND"]

    def make(self):
        (self.folder / "locks").mkdir()
        run(["chown", "-R", "www-data:", self.dumps, self.folder / "locks"])
        name = ["-days", "2", "-extfile", self.folder / "names"]
        (self.folder / "names").write_text("subjectAltName=DNS:dumps.example\n", encoding="ascii")
        run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tests", "-keyout",
             self.folder / "ca.key", "-out", self.folder / "ca.pem"], merge=True)
        run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=dumps.example", "-keyout",
             self.folder / "server.key", "-out", self.folder / "server.csr"], merge=True)
        run(["openssl", "x509", "-req", *name, "-in", self.folder / "server.csr", "-CA", self.folder / "ca.pem", "-CAkey",
             self.folder / "ca.key", "-CAcreateserial", "-out", self.folder / "server.crt"], merge=True)
        hashed = run(["openssl", "passwd", "-apr1", "web-secret"])[1].strip()
        (self.folder / "users").write_text(f"sender:{hashed}\n", encoding="ascii")
        (self.folder / "apache.conf").write_text(APACHE.format(folder=self.folder, address=network.PEER, port=self.port,
                                                               modules="/usr/lib/apache2/modules"), encoding="ascii")

    def prepare(self, guest):
        authority = (self.folder / "ca.pem").read_text()
        guest.sh(f"echo '{network.PEER} dumps.example' >>/etc/hosts; cat >/etc/kdump-ca.pem <<'END'\n{authority}END")
        return {"KDUMP_CA_FILE": "/etc/kdump-ca.pem"}


TARGET = "iqn.2003-01.org.example:dumps"
# Its users, the guest and the server: each shows the other that it knows a password.
GUEST_USER, GUEST_PASSWORD = "node1", "guest secret%1"
SERVER_USER, SERVER_PASSWORD = "storage", "server secret&2"
# The first disk is none of ours. Nobody can reach the server before it has all.
TGT = f"""mkdir -p /run/tgtd
admin() {{ tgtadm --lld iscsi "$@"; }}
(
    until admin --op show --mode sys >/dev/null 2>&1; do sleep 0.1; done
    admin --op new --mode target --tid 1 -T {TARGET}
    admin --op new --mode logicalunit --tid 1 --lun 1 -b /work/other.img
    admin --op new --mode logicalunit --tid 1 --lun 2 -b /work/target.img
    admin --op new --mode account --user '{GUEST_USER}' --password '{GUEST_PASSWORD}'
    admin --op new --mode account --user '{SERVER_USER}' --password '{SERVER_PASSWORD}'
    admin --op bind --mode account --tid 1 --user '{GUEST_USER}'
    admin --op bind --mode account --tid 1 --user '{SERVER_USER}' --outgoing
    admin --op bind --mode target --tid 1 -I ALL
    admin --op new --mode portal --param portal={network.FAR}:3260
    admin --op new --mode portal --param portal={network.PEER}:3260
) &
exec tgtd -f --iscsi portal=127.0.0.1:3261
"""

# What the guest's administrator does.
LOG_IN = f"""set -e
echo InitiatorName=iqn.1993-08.org.debian:01:guest >/etc/iscsi/initiatorname.iscsi
modprobe iscsi_tcp
iscsid
for portal in {{portals}}; do iscsiadm -m node -T {TARGET} -p $portal --op new; done
set_to() {{ iscsiadm -m node -T {TARGET} --op update -n node.session.auth."$1" -v "$2"; }}
set_to authmethod CHAP
set_to username '{GUEST_USER}'
set_to password '{GUEST_PASSWORD}'
set_to username_in '{SERVER_USER}'
set_to password_in '{SERVER_PASSWORD}'
iscsiadm -m node -T {TARGET} --login
until [ -e /dev/disk/by-uuid/{{uuid}} ]; do udevadm settle; sleep 0.1; done
"""
# Two portals lead to one disk.
JOIN_PATHS = """exec 3>&-
printf 'defaults {\\n user_friendly_names yes\\n find_multipaths yes\\n}\\n' >/etc/multipath.conf
systemctl restart multipathd
paths() { dmsetup deps "$(readlink -f /dev/disk/by-uuid/{uuid})" 2>/dev/null | grep -o '([0-9]*, [0-9]*)' | wc -l; }
until [ "$(paths)" = 2 ]; do multipath || true; udevadm trigger -w -s block; udevadm settle; done
"""


class Iscsi(Server):
    """tgt, with passwords in both directions."""

    tree = "iscsi"
    port = 3260
    has_disk = needs_storage = True
    script = TGT
    portals = (network.PEER,)
    join = ""

    def make(self):
        os.link(self.peer.folder / "target.img", self.folder / "target.img")
        with open(self.folder / "other.img", "wb") as file:
            file.truncate(64 << 20)

    def prepare(self, guest):
        uuid = run(["blkid", "-p", "-o", "value", "-s", "UUID", self.folder / "target.img"])[1].strip()
        guest.sh((LOG_IN + self.join).replace("{uuid}", uuid).replace("{portals}", " ".join(self.portals)))
        return {"KDUMP_TARGET": f"UUID={uuid}", "KDUMP_SAVEDIR": "/crash"}


class IscsiPaths(Iscsi):
    """The same, by two portals."""

    portals = (network.PEER, network.FAR)
    join = JOIN_PATHS

    def lose_portal(self):
        """Nobody can connect to the first one any more."""
        run(["nsenter", f"--target={self.child.pid}", "--mount", "--net", "--root", "--wd", "--", "tgtadm", "--lld", "iscsi", "--op", "delete",
             "--mode", "portal", "--param", f"portal={network.PEER}:3260"])


KINDS = {"iscsi": Iscsi, "iscsi-paths": IscsiPaths, "nfs": Nfs, "ssh": Ssh, "ssh6": Ssh6, "sftp": Sftp, "ftp": Ftp, "cifs": Cifs, "s3": Store, "https": Https}


def trees(kinds):
    """The trees that servers of some kinds need."""
    return sorted({KINDS[kind].tree for kind in kinds if kind} - {""})


def needs_storage(kind):
    """Whether the guest needs what storage needs."""
    return bool(kind) and KINDS[kind].needs_storage
