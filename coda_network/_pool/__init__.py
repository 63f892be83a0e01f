"""Connections that are kept open between requests.

The pool asks two things of a connection: to close, and to say whether its peer has dropped it. It opens no connection
and sends nothing.
"""
