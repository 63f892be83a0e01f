"""A Kerberos ticket by user name and password, in a cache of its own: what `kinit` does.

pyspnego would ask the KDC for one as well, but does not tell what the KDC said: where that has refused the password,
the same password would go out once more, by NTLM, and count as a second failed login.
"""

from __future__ import annotations

import weakref
from importlib import import_module
from typing import TYPE_CHECKING

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import PasswordRefused

if TYPE_CHECKING:
    import krb5

# The KDC says that the password is wrong; or its answer, encrypted with the right one, says so (RFC 4120 section 7.5.9,
# as numbered by MIT and Heimdal: the base of the error table plus 24 and 31).
WRONG_PASSWORD = (-1765328384 + 24, -1765328384 + 31)


class TicketCache:
    """The ticket of one user for one login, in this process's memory, gone with the object.

    It stays empty where there is none to be had: the KDC is out of reach or does not know the user, or the name is
    `DOMAIN\\user`, which is none of Kerberos.
    """

    def __init__(self, scheme: str, credentials: Credentials) -> None:
        """Ask the KDC, once.

        Raises PasswordRefused if it says that the password is wrong.
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
            pass  # no name or password that anybody has
        except krb5.Krb5Error as error:
            if error.err_code in WRONG_PASSWORD:
                raise PasswordRefused(f"{scheme}: the KDC refused the password") from None

    def __repr__(self) -> str:
        return "<TicketCache>"


def _initial_ticket(context: krb5.Context, credentials: Credentials) -> krb5.Creds:
    """Return a ticket-granting ticket; the user's realm is that of the name, else the default one."""
    library = import_module("krb5")
    principal = library.parse_name_flags(context, credentials.username.encode())
    options = library.get_init_creds_opt_alloc(context)
    if hasattr(library, "get_init_creds_opt_set_default_flags"):  # Heimdal reads its configuration only when told to
        realm = library.principal_get_realm(context, principal)
        library.get_init_creds_opt_set_default_flags(context, options, b"coda_network", realm)
    # A KDC of Windows knows users by several names (RFC 6806).
    library.get_init_creds_opt_set_canonicalize(options, True)
    ticket: krb5.Creds = library.get_init_creds_password(
        context, principal, options, password=credentials.password.encode()
    )
    return ticket
