"""Metadata of the distribution. The build backend and the settings of the tools are in pyproject.toml."""

from __future__ import annotations

import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent

# What users may ask for. What only developers need is in the dependency groups of pyproject.toml.
EXTRAS = {
    # Kerberos tickets for Negotiate; needs the Kerberos library of the system (Windows brings its own).
    "kerberos": ["pyspnego[kerberos]>=0.11"],
    # Servers that accept nothing newer than NTLMv1.
    "legacy": ["python-ntlm3>=1.0.2"],
    # Progress of long downloads on the terminal.
    "cli": ["argcomplete>=3.1", "rich>=13"],
    # The content codings br and zstd; gzip and deflate are Python's own.
    "compression": ["brotli>=1.2", "backports.zstd>=1.0; python_version<'3.14'"],
    # SOCKS proxies.
    "socks": ["python-socks>=3.0"],
    # PAC files: QuickJS, with limits of time and memory.
    "pac": ["quickjs-ng>=0.12.1.1"],
    # The filesystem for pandas, pyarrow, xarray and dask.
    "fsspec": ["fsspec>=2024.2"],
    # OAuth 1.0a; RSA is what "signedtoken" is for.
    "oauth": ["oauthlib[signedtoken]>=3.2.2"],
    # Passwords in the system's own store.
    "keyring": ["keyring>=24"],
}

setup(
    name="coda_network",
    version=runpy.run_path(str(HERE / "coda_network" / "_version.py"))["__version__"],
    description="Python's own HTTP client, through proxies that demand a login, its connections kept alive",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="the coda_network authors",
    license_expression="MIT",
    license_files=["LICENSE"],
    keywords=["http", "https", "proxy", "CONNECT", "keep-alive", "urllib", "urllib2", "httplib"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: 3.14",
        "Programming Language :: Python :: 3.15",
        "Topic :: Internet :: Proxy Servers",
        "Topic :: Internet :: WWW/HTTP",
        "Topic :: Software Development :: Libraries :: Python Modules",
        "Typing :: Typed",
    ],
    python_requires=">=3.10",
    packages=find_packages(include=["coda_network", "coda_network.*"]),
    package_data={"coda_network": ["py.typed", "_cli/*.toml"]},
    zip_safe=False,
    install_requires=["filelock>=3.21", "platformdirs>=3", "pyspnego>=0.11", "tomli>=2; python_version < '3.11'"],
    extras_require=EXTRAS,
    entry_points={
        "console_scripts": ["coda-network = coda_network.cli:main"],
        "fsspec.specs": [
            "coda+http = coda_network.filesystem:HTTPFileSystem",
            "coda+https = coda_network.filesystem:HTTPFileSystem",
        ],
    },
)
