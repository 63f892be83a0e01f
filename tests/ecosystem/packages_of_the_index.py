"""What the site's index has for pip to build: a source distribution, and a wheel with the backend that it requires."""

from __future__ import annotations

import io
import tarfile
import zipfile

SDIST_NAME = "source-1.0.tar.gz"
WHEEL_NAME = "backend-1.0-py3-none-any.whl"

PROJECT = """\
[build-system]
requires = ["backend"]
build-backend = "backend"
"""
METADATA = "Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
KIND = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

# The interface of PEP 517: the least that builds a wheel.
BACKEND = f"""\
import os, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "source-1.0-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(wheel_directory, name), "w") as wheel:
        wheel.writestr("source.py", open("source.py").read())
        wheel.writestr("source-1.0.dist-info/METADATA", {METADATA.format(name="source")!r})
        wheel.writestr("source-1.0.dist-info/WHEEL", {KIND!r})
        wheel.writestr("source-1.0.dist-info/RECORD", "")
    return name
"""


def _sdist() -> bytes:
    out = io.BytesIO()
    files = {"pyproject.toml": PROJECT, "PKG-INFO": METADATA.format(name="source"), "source.py": "WORD = 'found'\n"}
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"source-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def _wheel() -> bytes:
    out = io.BytesIO()
    about = "backend-1.0.dist-info"
    with zipfile.ZipFile(out, "w") as wheel:
        wheel.writestr("backend.py", BACKEND)
        wheel.writestr(f"{about}/METADATA", METADATA.format(name="backend"))
        wheel.writestr(f"{about}/WHEEL", KIND)
        wheel.writestr(f"{about}/RECORD", f"backend.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
    return out.getvalue()


SDIST, WHEEL = _sdist(), _wheel()
