"""Connections that are kept open between requests.

The pool knows a connection as something that can be closed, and that can tell whether its peer has dropped
it. It opens none and sends nothing.
"""
