"""NTLM for openers: ``HTTPNtlmAuthHandler`` for sites, ``ProxyNtlmAuthHandler`` for proxies."""

from __future__ import annotations

from coda_network._opener.ntlm_negotiate_handlers import HTTPNtlmAuthHandler, ProxyNtlmAuthHandler

__all__ = ["HTTPNtlmAuthHandler", "ProxyNtlmAuthHandler"]
