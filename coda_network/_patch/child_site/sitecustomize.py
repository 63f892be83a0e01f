"""Runs at the start of each Python that a program under ``run`` or ``patch(children=True)`` starts.

It installs the lazy patch, and makes way for the program's own ``sitecustomize``. It may run in any Python, also in one
that this package does not know, Python 2.7 say: nothing here is newer.
"""

import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))
try:
    _tag = os.environ.get("CODA_NETWORK_CHILDREN", "").split(os.pathsep)[0]
    if os.environ.get("CODA_NETWORK") != "0" and _tag and _tag == sys.implementation.cache_tag:
        __import__("coda_network_child").patch_this_process()
except Exception:  # without the patch rather than not at all
    pass

sys.path[:] = [entry for entry in sys.path if entry != _folder]
sys.modules.pop(__name__, None)
# The program's own. Where there is none, Python's site expects just this ImportError.
__import__("sitecustomize")
