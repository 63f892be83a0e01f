"""Running other people's test suites (CPython's, urllib3's, requests') with and without the patch; comparing.

The files under `inject/` are copied into a folder of their own, together with the package, and run inside the
foreign suite's process; nothing else of this repository is on that process's path.
"""
