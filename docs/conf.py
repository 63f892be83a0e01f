"""Settings of Sphinx. Build with `tox -e docs`, or `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

import runpy
from pathlib import Path

project = "coda_network"
author = "the coda_network authors"
copyright = f"2026, {author}"
release = runpy.run_path(str(Path(__file__).parent.parent / "coda_network" / "_version.py"))["__version__"]
version = release

extensions = ["myst_parser"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "alabaster"
html_static_path = ["_static"]
html_theme_options = {
    "description": "Python's HTTP client, through any proxy",
    "fixed_sidebar": True,
    "page_width": "1100px",
}
