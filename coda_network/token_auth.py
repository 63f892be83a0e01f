"""Logins that go with each request to certain sites: Bearer, WSSE and OAuth 1.0a, as handlers for openers."""

from __future__ import annotations

from coda_network._opener.oauth1_handler import HTTPOAuth1Handler
from coda_network._opener.token_handlers import HTTPBearerAuthHandler, HTTPWsseAuthHandler

__all__ = ["HTTPBearerAuthHandler", "HTTPOAuth1Handler", "HTTPWsseAuthHandler"]
