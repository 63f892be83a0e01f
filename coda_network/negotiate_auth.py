"""Negotiate for openers: ``HTTPNegotiateAuthHandler`` for sites, ``ProxyNegotiateAuthHandler`` for proxies."""

from __future__ import annotations

from coda_network._opener.ntlm_negotiate_handlers import HTTPNegotiateAuthHandler, ProxyNegotiateAuthHandler

__all__ = ["HTTPNegotiateAuthHandler", "ProxyNegotiateAuthHandler"]
