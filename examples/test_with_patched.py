"""A test of one's own that needs the patch, and leaves none behind.

EXAMPLE_URL=http://127.0.0.1:8080/ python test_with_patched.py
"""

from __future__ import annotations

import os
import unittest
import urllib.request

import coda_network


def program_under_test(url: str) -> int:
    """Stand for a program that knows nothing of coda_network."""
    with urllib.request.urlopen(url, timeout=30) as response:
        return len(response.read())


class ProgramTest(unittest.TestCase):
    def tearDown(self) -> None:
        self.assertFalse(coda_network.is_patched())

    def test_in_a_block(self) -> None:
        with coda_network.patched():
            sizes = [program_under_test(os.environ["EXAMPLE_URL"]) for _ in range(3)]
        print("in a block:", sizes)
        self.assertTrue(all(sizes))

    @coda_network.patched(credentials=("user", "password"))
    def test_as_a_decorator_with_credentials(self) -> None:
        size = program_under_test(os.environ["EXAMPLE_URL"])
        print("as a decorator:", size)
        self.assertGreater(size, 0)


if __name__ == "__main__":
    unittest.main()
