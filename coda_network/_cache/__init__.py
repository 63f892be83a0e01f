"""The HTTP cache of openers (RFC 9111): a private one, in a folder that threads and processes may share.

From the bottom: ``key`` names what is asked for, ``directives`` and ``freshness`` read header fields, ``storable`` says
what may be kept, ``entry`` and ``folder`` keep it, ``who`` keeps users apart, ``transaction`` is what becomes of one
request.
"""
