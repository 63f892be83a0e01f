"""The logs of the layers: silent, and without ``logging``, where nobody listens."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from coda_network._trace import Trace


def test_a_record_goes_to_the_logger_of_the_layer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "coda_network.layer")
    Trace("layer")("connected to %s", "proxy.example", role="proxy")
    [record] = caplog.records
    assert (record.name, record.levelname) == ("coda_network.layer", "DEBUG")
    assert record.getMessage() == "connected to proxy.example"
    assert vars(record)["role"] == "proxy"
    assert record.filename == "test_trace.py"


def test_nothing_is_written_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "coda_network.layer")
    trace = Trace("layer")
    trace("connected")
    assert not trace.is_on()
    assert caplog.records == []


def test_the_level_may_change_at_any_time(caplog: pytest.LogCaptureFixture) -> None:
    trace = Trace("layer")
    caplog.set_level(logging.INFO, "coda_network")
    assert not trace.is_on()
    caplog.set_level(logging.DEBUG, "coda_network")
    assert trace.is_on()


def test_logging_is_not_imported_for_it() -> None:
    program = (
        "import sys; from coda_network._trace import Trace; trace = Trace('layer'); trace('said %d', 1); "
        "assert 'logging' not in sys.modules; import logging; logging.basicConfig(level='DEBUG', stream=sys.stdout); "
        "trace('said %d', 2)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "DEBUG:coda_network.layer:said 2\n"
