"""The proxy of ``coda-network with`` serves the command's own processes, and no other user of the machine.

With ``--same-user`` it serves all processes of its user, and no other user either.

Only root can become somebody else. Whoever is not finds that it cannot, and is one who does not know the secret, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

from support.origin import Origin

from coda_network._local_proxy.peer_user import can_tell
from coda_network.cli import main

NOBODY = 65534

# What runs under `with`: it keeps the secret, and a process of another user beside it tries to get through.
PROGRAM = f"""
import json, os, re, socket, sys
url, ours = os.environ["http_proxy"], (os.getpid(), os.getppid())
secret = re.search("//coda:(.*)@", url)[1]
host, port = url.rpartition("@")[2].split(":")
def ask(line):
    with socket.socket() as sock:  # what is not loaded by now, nobody may not be able to read
        sock.connect((host, int(port)))
        sock.sendall(f"GET {{sys.argv[1]}}/ HTTP/1.1\\r\\n{{line}}Connection: close\\r\\n\\r\\n".encode())
        return sock.recv(65536).split(b" ")[1].decode()
reader, writer = os.pipe()
if os.fork() == 0:
    seen = {{}}
    try:
        os.setuid({NOBODY})
        seen["became"] = True
    except PermissionError:
        seen["became"] = False
    for pid in ours:
        for name in ("environ", "cmdline"):
            try:
                with open(f"/proc/{{pid}}/{{name}}", "rb") as file:
                    seen[name] = seen.get(name, False) or secret.encode() in file.read()
            except OSError as error:
                seen[name] = seen.get(name, False)
    for name, line in (("nothing", ""), ("guess", "Proxy-Authorization: Basic Y29kYTpndWVzc2Vk\\r\\n")):
        seen[name] = ask(line)
    os.write(writer, json.dumps(seen).encode())
    os._exit(0)
os.close(writer)
with os.fdopen(reader) as file:
    print(json.dumps({{**json.load(file), "own": ask("")}}))
os.wait()
"""


def seen_by(options: list[str], origin: Origin) -> dict[str, object]:
    """Return what the other process could do, and what the command itself gets without the secret."""
    command = [sys.executable, "-m", "coda_network", "with", *options, "--proxy", "direct", "--", sys.executable, "-c"]
    done = subprocess.run([*command, PROGRAM, origin.url], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_another_user_gets_407_and_cannot_read_the_secret(origin: Origin) -> None:
    seen = seen_by([], origin)
    is_root = os.geteuid() == 0
    assert seen.pop("became") is is_root
    has_proc = os.path.exists("/proc/self/environ")
    # The environment is the command's own, and open to other processes of the same user; command lines are open to all.
    assert seen == {
        "environ": has_proc and not is_root,
        "cmdline": False,
        "nothing": "407",
        "guess": "407",
        "own": "407",
    }
    assert origin.connections == 0


def test_only_another_user_gets_407_where_all_programs_of_the_user_are_served(origin: Origin) -> None:
    if not can_tell():
        assert main(["with", "--same-user", "--proxy", "direct", "--", "true"]) == 2
        return
    seen = seen_by(["--same-user"], origin)
    other = "407" if seen["became"] else "200"
    assert (seen["nothing"], seen["guess"], seen["own"]) == (other, other, "200")
