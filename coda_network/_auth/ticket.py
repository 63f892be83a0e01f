"""A Kerberos ticket by user name and password, in a cache of its own: what ``kinit`` does.

pyspnego can ask the KDC too, but hides what the KDC said. After a refusal it would send the same password again by
NTLM, which counts as a second failed login.
"""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import TYPE_CHECKING

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import PasswordRefused

if TYPE_CHECKING:
    import krb5

# KDC_ERR_PREAUTH_FAILED, and KRB_AP_ERR_BAD_INTEGRITY: the KDC's reply cannot be decrypted with this password (RFC 4120
# section 7.5.9). MIT and Heimdal number them from the base of their error table: plus 24 and plus 31.
WRONG_PASSWORD = (-1765328384 + 24, -1765328384 + 31)


class TicketCache:
    """The ticket of one user for one login, in the memory of this process; it is destroyed with the object.

    The cache stays empty where no ticket can be had: the KDC is out of reach or does not know the user, or the name is
    ``DOMAIN\\user``, which Kerberos does not have.
    """

    def __init__(self, scheme: str, credentials: Credentials) -> None:
        """Ask the KDC, once.

        :raises PasswordRefused: the KDC says that the password is wrong
        """
        krb5 = import_module("krb5")
        self.name = "MEMORY:"
        try:
            context = krb5.init_context()
            cache = krb5.cc_new_unique(context, b"MEMORY")
            weakref.finalize(self, krb5.cc_destroy, context, cache)
            self.name += cache.name.decode()
            if not credentials.domain:
                ticket = _initial_ticket(context, credentials)
                krb5.cc_initialize(context, cache, ticket.client)
                krb5.cc_store_cred(context, cache, ticket)
        except UnicodeEncodeError:
            pass  # not valid text, so nobody's name or password
        except krb5.Krb5Error as error:
            if error.err_code in WRONG_PASSWORD:
                raise PasswordRefused(f"{scheme}: the KDC refused the password") from None

    def __repr__(self) -> str:
        return "<TicketCache>"


def _initial_ticket(context: krb5.Context, credentials: Credentials) -> krb5.Creds:
    """Return a ticket-granting ticket. The realm is the one in the user's name, else the default realm."""
    library = import_module("krb5")
    principal = library.parse_name_flags(context, credentials.username.encode())
    options = library.get_init_creds_opt_alloc(context)
    if hasattr(library, "get_init_creds_opt_set_default_flags"):  # Heimdal reads its settings only when told to
        realm = library.principal_get_realm(context, principal)
        library.get_init_creds_opt_set_default_flags(context, options, b"coda_network", realm)
    # A Windows KDC has several names for a user (RFC 6806).
    library.get_init_creds_opt_set_canonicalize(options, True)
    ticket: krb5.Creds = library.get_init_creds_password(
        context, principal, options, password=credentials.password.encode()
    )
    return ticket
