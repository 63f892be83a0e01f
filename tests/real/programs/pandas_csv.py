"""pandas.read_csv() of a URL: arguments are a base URL with http and one with https."""

import sys

import pandas

for base in sys.argv[1:]:
    assert len(pandas.read_csv(f"{base}/text.txt")) == 99
print("done")
