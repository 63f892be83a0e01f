"""The network itself: opening sockets, TLS contexts, tunnels, time limits, and whether an idle one is alive.

No other part of the package opens a socket. `ssl` is imported when a context is first needed, and the
functions of `socket` and `select` are looked up when they are called, so that gevent's replacements are used
where there are any.
"""
