"""Sockets: opening them, TLS, deadlines, and whether an idle connection is alive. Nothing here knows a login.

No other part of the package opens a socket. ``ssl`` is imported when a context is first needed. The functions of
``socket`` and ``select`` are looked up when they are called, because gevent replaces them.
"""
