"""The suites of other projects: fetched, given an environment of their own, and run under the patch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from support_suites.process import run, stage
from support_suites.results import OK, Outcome, Run, regressions

# A suite that sleeps and waits a lot, on a machine that does other things besides.
SECONDS = 900.0
# More regressions than this are no chance: they are not tried again one by one.
MOST_RETRIED = 40
# pytest found something that was never closed, and blames the test that happens to run: alone it would pass.
LEAK = "PytestUnraisableExceptionWarning"


@dataclass(frozen=True)
class Project:
    """A project on the package index whose source distribution, or wheel, carries its tests.

    `intended` are tests that do not pass under the patch, on purpose; each is a row of docs/differences.md.

    `group` is the dependency group of its pyproject.toml with what the tests need, `needs` what they need
    besides; `arguments` go to pytest, `environment` into the process. `version` is the one to fetch: that of the
    installed project where it is empty. `failing` is how many tests fail without the package too, at most, for want of
    another machine, or of versions of what it needs that are years old. `from_wheel` takes the tests out of the wheel:
    pip compiles a source distribution only to hand it over, which is many minutes for some.
    """

    name: str
    group: str
    needs: tuple[str, ...]
    arguments: tuple[str, ...]
    intended: tuple[str, ...] = ()
    version: str = ""
    environment: tuple[tuple[str, str], ...] = ()
    failing: int = 0
    from_wheel: bool = False


# Its server, and that of requests' test below, ends the head without an empty line.
CUT_HEAD = (
    "test/with_dummyserver/test_socketlevel.py::TestHeaders::test_response_headers_are_returned_in_the_original_order"
)

# A file that lacks something cannot be collected, and is counted as a failure of the baseline.
ALL = ("--continue-on-collection-errors",)

PROJECTS = {
    "urllib3": Project(
        "urllib3",
        "test",
        ("idna", "pyopenssl", "requests", "trustme"),
        # A test that must be over within 0.1 s, pytest's account of it included: where it fails (with the zlib of some
        # builds of Python 3.13), the alarm goes off in pytest, which ends.
        (
            *("-p", "suite_hypercorn", "-m", "not requires_network"),
            *("--deselect", "test/test_response.py::TestResponse::test_read_chunked_with_trailing_data_does_not_hang"),
            "test",
        ),
        intended=(CUT_HEAD,),
    ),
    "requests": Project(
        "requests", "test", (), ("tests",), intended=("tests/test_lowlevel.py::test_chunked_encoding_error",)
    ),
    "mechanize": Project(
        "mechanize",
        "",
        ("pytest", "requests"),
        (*ALL, "--ignore=test/test_urllib2_localnet.py", "test"),
        version="0.4.10",
        failing=39,
    ),
    "suds-community": Project("suds-community", "", ("pytest", "requests", "six"), (*ALL, "tests"), version="1.2.0"),
    "wsgi-intercept": Project(
        "wsgi-intercept",
        "",
        ("pytest", "httplib2", "requests", "urllib3"),
        (*ALL, "wsgi_intercept/tests"),
        version="1.13.1",
        environment=(("WSGI_INTERCEPT_SKIP_NETWORK", "true"),),
        failing=6,
    ),
    "prometheus-client": Project(
        "prometheus-client",
        "",
        ("pytest", "asgiref", "requests"),
        # It waits for the alert with which TLS 1.3 refuses a certificate; half the time, with the package and without,
        # the server's reset is there before it.
        (*ALL, "--deselect", "tests/test_exposition.py::TestWsgiTLS::test_mtls_untrusted_client_cert_raises", "tests"),
        version="0.26.0",
    ),
    # Of the larger suites those files that send requests, or take urllib.request or http.client apart.
    # Left out: what reaches for the Internet, and test_426, a thousand times one request that no server of it serves.
    "httpretty": Project(
        "httpretty",
        "",
        ("pytest", "freezegun", "httplib2", "mock", "pyopenssl", "requests", "sure", "tornado"),
        (
            *ALL,
            "tests/unit",
            "tests/functional/test_decorator.py",
            "tests/functional/test_fakesocket.py",
            "tests/functional/test_httplib2.py",
            "tests/functional/test_requests.py",
            "tests/functional/test_urllib2.py",
        ),
        # Content-Length: 35a
        intended=("tests/functional/test_urllib2.py::test_httpretty_should_allow_forcing_headers_urllib2",),
        version="1.1.4",
        failing=4,
    ),
    "botocore": Project(
        "botocore",
        "",
        ("pytest", "jsonschema", "requests"),
        (
            *ALL,
            *(
                f"tests/unit/test_{part}.py"
                for part in (
                    "awsrequest",
                    "endpoint",
                    "http_client_exception_mapping",
                    "http_session",
                    "httpchecksum",
                    "response",
                    "retryhandler",
                    "utils",
                )
            ),
        ),
        # They count the calls of readline() on a mock of the response to CONNECT.
        intended=tuple(
            f"tests/unit/test_awsrequest.py::TestAWSHTTPConnection::test_tunnel_readline_{name}"
            for name in ("none_bugfix", "normal")
        ),
        version="1.44.8",
    ),
    "ansible-core": Project(
        "ansible-core",
        "",
        ("pytest", "pytest-mock", "pyyaml", "requests"),
        (*ALL, "-o", "pythonpath=test", "test/units/module_utils/urls"),
        version="2.19.14",
    ),
    "sentry-sdk": Project(
        "sentry-sdk",
        "test",
        ("boto3", "brotli", "httpcore[asyncio,http2]", "pytest-asyncio", "pytest-localserver", "requests", "werkzeug"),
        # Without its own options, which print all that passes.
        (
            *ALL,
            "-o",
            "addopts=",
            *(f"tests/integrations/{part}" for part in ("boto3", "requests", "socket", "stdlib")),
            "tests/test_transport.py",
        ),
        version="2.75.0",
        # Looked up with git otherwise; some tests want to see it.
        environment=(("SENTRY_RELEASE", "release"),),
    ),
    # What asks a server. The wheel lacks the files with data that seven of them read.
    "pandas": Project(
        "pandas",
        "",
        ("pytest", "beautifulsoup4", "html5lib", "hypothesis", "lxml", "pyarrow", "pytest-localserver", "requests"),
        (
            *ALL,
            "-m",
            "network",
            *(
                f"pandas/tests/io/{part}.py"
                for part in (
                    "json/test_pandas",
                    "parser/test_read_fwf",
                    "test_html",
                    "test_http_headers",
                    "xml/test_xml",
                )
            ),
        ),
        version="3.1.1",
        failing=7,
        from_wheel=True,
    ),
}


@dataclass(frozen=True)
class Checkout:
    """The unpacked source of a project and the interpreter of its environment."""

    project: Project
    source: Path
    python: Path


def prepare(project: Project, cache: Path) -> Checkout:
    """Fetch the tests of the installed version of `project` and make them an environment, both under `cache`.

    What an earlier call has left there is used again. Raises subprocess.CalledProcessError when pip fails.
    """
    wanted = project.version or version(project.name)
    label = f"{project.name.replace('-', '_')}-{wanted}"
    home = cache.absolute() / f"{label}-py{sys.version_info[0]}.{sys.version_info[1]}"
    source = home / label
    python = home / "env" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = home / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home / "env")], check=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        # Dependency groups came with pip 25.1.
        subprocess.run([*pip, "install", "pip>=25.1"], check=True)
        kind = "--only-binary" if project.from_wheel else "--no-binary"
        fetch = ["download", "--no-deps", kind, project.name, "--dest", str(home), f"{project.name}=={wanted}"]
        subprocess.run([*pip, *fetch], check=True)
        archive = _unpack(home, source, project.from_wheel)
        group = ["--group", f"{source / 'pyproject.toml'}:{project.group}"] if project.group else []
        subprocess.run([*pip, "install", str(archive), *group, *project.needs], check=True)
        ready.touch()
    return Checkout(project, source, python)


def _unpack(home: Path, source: Path, from_wheel: bool) -> Path:
    """Unpack what pip has left in `home` as `source`, and return it."""
    if from_wheel:
        (archive,) = home.glob(f"{source.name}-*.whl")
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(source)
    else:
        archive = home / f"{source.name}.tar.gz"
        with tarfile.open(archive) as tar:
            tar.extractall(home, filter="data")
    return archive


def run_suite(
    checkout: Checkout,
    binding: str,
    folder: Path,
    *,
    setup: str = "coda_network",
    arguments: tuple[str, ...] | None = None,
    only: list[str] | None = None,
) -> Run:
    """Run the suite, or `only` those tests of it, under `binding`; `folder` is for its files.

    `setup` names the module whose patch() is called, `arguments` replace the project's own.
    """
    folder = folder.absolute()
    staged = stage(folder / "path")
    # A suite without settings of its own gets none: pytest would find those of the repository that the cache is in.
    (checkout.source.parent / "pytest.ini").touch()
    command = [str(checkout.python), "-m", "pytest", "-p", "suite_pytest", "-p", "no:cacheprovider", "-q"]
    command += ["--rootdir", str(checkout.source)]  # from which the names of tests are counted
    command += arguments if arguments is not None else checkout.project.arguments
    extra = dict(checkout.project.environment)
    if only is not None:
        extra["CODA_SUITE_ONLY"] = json.dumps(only)
    return run(
        command,
        staged=staged,
        folder=folder,
        binding=binding,
        seconds=SECONDS,
        setup=setup,
        cwd=checkout.source,
        extra=extra,
    )


@dataclass(frozen=True)
class Comparison:
    """A run beside the baseline: `lost` are the regressions, `unsteady` those that passed when run alone.

    `intended` are regressions that are meant.
    """

    run: Run
    lost: dict[str, Outcome]
    unsteady: dict[str, Outcome]
    intended: dict[str, Outcome]


def compare(
    checkout: Checkout,
    baseline: Run,
    binding: str,
    folder: Path,
    *,
    setup: str = "coda_network",
    arguments: tuple[str, ...] | None = None,
) -> Comparison:
    """Run the suite under `binding`, and once more by itself each test that passed in `baseline` alone."""

    def attempt(name: str, only: list[str] | None) -> Run:
        return run_suite(checkout, binding, folder / name, setup=setup, arguments=arguments, only=only)

    changed = attempt(binding, None)
    lost = regressions(baseline, changed)
    intended = {test: lost.pop(test) for test in checkout.project.intended if test in lost}
    unsteady: dict[str, Outcome] = {}
    if len(lost) <= MOST_RETRIED and not changed.trouble:
        for number, test in enumerate(list(lost)):
            if LEAK in lost[test].text:
                continue
            again = attempt(f"{binding}-again-{number}", [test])
            if again.outcome(test).kind == OK:
                unsteady[test] = lost.pop(test)
    return Comparison(changed, lost, unsteady, intended)
