"""The version, in a file without imports: setup.py reads it before anything is installed."""

__version__ = "1.0.0.dev0"
