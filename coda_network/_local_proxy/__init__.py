"""The local proxy: clients without logins on one side, proxies that demand them on the other.

One thread serves one client. Logins, routes and framing are those of the rest of the package, which wait for their
sockets: threads let them be used as they are, where an event loop would need all of them a second time.
"""
