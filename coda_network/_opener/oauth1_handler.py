"""``HTTPOAuth1Handler``: requests signed by OAuth 1.0a (RFC 5849), by oauthlib."""

from __future__ import annotations

from coda_network._opener.token_handlers import Sites, TokenHandler

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

FORM = "application/x-www-form-urlencoded"


class HTTPOAuth1Handler(TokenHandler):
    """Signs each request to certain sites (RFC 5849); needs the extra ``oauth``.

    The fields of a form are signed with it, other bodies are not (section 3.4.1.3.1).

    :param client_key: the key of the client ("consumer key")
    :param client_secret: its secret
    :param token: the token of the user ("access token"), where there is one
    :param token_secret: its secret
    :param sites: the URL of the site that they are for, or several: scheme, host and port count
    :param signature_method: ``HMAC-SHA1``, ``HMAC-SHA256``, ``HMAC-SHA512``, ``RSA-SHA1``, ``RSA-SHA256``,
        ``RSA-SHA512`` or ``PLAINTEXT``
    :param rsa_key: the private key for RSA, in PEM
    :param realm: what ``Authorization`` names as the realm
    :raises ImportError: oauthlib is not installed
    :raises ValueError: a site is no URL, or there is no such method
    """

    __module__ = "coda_network.token_auth"

    def __init__(
        self,
        client_key: str,
        client_secret: str | None = None,
        token: str | None = None,
        token_secret: str | None = None,
        *,
        sites: str | Iterable[str],
        signature_method: str = "HMAC-SHA1",
        rsa_key: str | None = None,
        realm: str | None = None,
    ) -> None:
        try:
            from oauthlib.oauth1 import Client
        except ImportError as error:
            message = 'OAuth needs the package oauthlib: pip install "coda_network[oauth]"'
            raise ImportError(message, name="oauthlib") from error
        if signature_method not in Client.SIGNATURE_METHODS:
            raise ValueError(f"signature_method must be one of {', '.join(Client.SIGNATURE_METHODS)}")
        if signature_method.startswith("RSA") and not rsa_key:
            raise ValueError(f"{signature_method} needs rsa_key")
        self._sites = Sites(sites)
        self._client = Client(
            client_key,
            client_secret,
            token,
            token_secret,
            signature_method=signature_method,
            rsa_key=rsa_key,
            realm=realm,
        )

    def fields(self, req: Any) -> dict[str, str] | None:
        """Return ``Authorization`` with the signature.

        :raises ValueError: the URL or the form has characters that have to be percent-encoded
        """
        from coda_network._transport.prepared import take_userinfo

        url = req.full_url
        if url not in self._sites:
            return None
        headers, body = {}, None
        content_type = str(req.get_header("Content-type", "")).partition(";")[0].strip().lower()
        if content_type == FORM and isinstance(req.data, (bytes, bytearray)) and req.data:
            headers, body = {"Content-Type": FORM}, bytes(req.data).decode()
        _, signed, _ = self._client.sign(take_userinfo(url)[1], req.get_method(), body, headers)
        return {"Authorization": signed["Authorization"]}
