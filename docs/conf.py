"""Settings of Sphinx. Build with `tox -e docs`, or `sphinx-build -W docs docs/_build`."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))  # the docstrings are those of this tree, whatever is installed

project = "coda_network"
author = "the coda_network authors"
copyright = f"2026, {author}"
release = runpy.run_path(str(PROJECT / "coda_network" / "_version.py"))["__version__"]
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = True
# Types of other packages, and classes whose names are private, have no page to lead to.
nitpick_ignore_regex = [("py:.*", r"(?!coda_network\.[a-z]).*")]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
add_module_names = False
python_maximum_signature_line_length = 80  # a longer one gets a line for each parameter, and fits a phone

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "coda_network"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sphinx = False


def without_addresses(
    app: Any, what: str, name: str, found: Any, options: Any, arguments: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Show a default that is a mere object, as socket has for "the default timeout", as an ellipsis."""
    return arguments and re.sub(r"<object object[^>]*>", "...", arguments), returned


def setup(app: Any) -> None:
    """Connect what Sphinx calls."""
    app.connect("autodoc-process-signature", without_addresses)
