"""TLS: the context of a client with its certificate, and which sockets speak it."""

from __future__ import annotations

import functools
import os
from time import monotonic

from coda_network._trace import Trace

# Type checkers know this name by itself. `typing` and `ssl` are not imported here: they would cost more than
# all the rest, and plain http needs neither.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ssl import DefaultVerifyPaths, SSLContext, SSLError, SSLSocket
    from typing import Any, NoReturn, TypeAlias

log = Trace("net")

Path: TypeAlias = str | os.PathLike[str]

# One file with both, or the certificate (with its chain) and its key in two files, or these and the key's
# password.
Cert: TypeAlias = Path | tuple[Path, Path | None] | tuple[Path, Path | None, str | bytes | None]


def cert_parts(cert: Cert) -> tuple[str, str | None, str | bytes | None]:
    """Return a client certificate, given in any of its forms, as (certificate file, key file, password).

    :raises TypeError: another form; the message does not repeat the argument, which may hold a password
    """
    if isinstance(cert, (str, os.PathLike)):
        return os.fspath(cert), None, None
    password = None
    if len(cert) == 2:
        file, key = cert
    elif len(cert) == 3:
        file, key, password = cert
    else:
        raise TypeError("cert must be a path, (certificate, key) or (certificate, key, password)")
    return os.fspath(file), None if key is None else os.fspath(key), password


def client_context(context: SSLContext | None = None, cert: Cert | None = None) -> SSLContext:
    """Return the context for connections to a server, with the client certificate loaded.

    The default context is made by `ssl._create_default_https_context` as it is at the time of the call,
    because that name is where programs say how certificates are to be checked (PEP 476). Like that of
    http.client it offers http/1.1 by ALPN (RFC 7301) and allows authentication after the handshake (RFC 8446
    section 4.6.2). Making one reads the system's trust store, which takes some milliseconds: make one for
    many connections.

    :param context: the context to use, None for a default one. Where a cert is given as well, it is loaded
        into this very context, as http.client did with its cert_file: the caller has it in every other use of
        the context too
    :param cert: a path, `(certificate, key)` or `(certificate, key, password)`
    :raises OSError: a file that cannot be read; the error names it
    :raises ssl.SSLError: no certificate or key in a file, a key that does not belong to the certificate, a
        password that is wrong or missing; the password is not in the message
    :raises TypeError: cert has another form
    """
    if context is None:
        import ssl

        context = ssl._create_default_https_context()
        context.set_alpn_protocols(["http/1.1"])
        _allow_late_authentication(context)
    if cert is not None:
        _load_cert(context, cert)
        # Who gives a certificate wants to show it whenever the server asks.
        _allow_late_authentication(context)
    return context


MOST_AGE = 60.0
"""Seconds for which shared_context() returns the same context, whatever has happened meanwhile."""

_shared: tuple[object, float, SSLContext] | None = None


def shared_context() -> SSLContext:
    """Return the default context of connections whose owner shows it to nobody: whoever asks soon gets the same one.

    It is another one as soon as a program has said in another way how certificates are to be checked (PEP 476), or the
    trust store has changed. Contexts that programs get to see are not made here: somebody may load a certificate into
    his own, or switch its checks off, and would have done so for everybody.

    :raises OSError: as for client_context()
    """
    global _shared
    import ssl

    make = ssl._create_default_https_context
    if getattr(make, "__globals__", None) is not vars(ssl):
        # A function of the program: only itself knows what its contexts depend on, and who else has them.
        return client_context()
    # What ssl's own functions look at; the class of contexts is another one where truststore has been put in. All this
    # is noted first: what changes while the context is made is found the next time.
    origin = make, ssl.SSLContext, os.environ.get("SSLKEYLOGFILE"), _trust_store()
    now = monotonic()
    known = _shared
    if known is not None and known[0] == origin and now - known[1] < MOST_AGE:
        return known[2]
    context = client_context()
    _shared = origin, now, context
    return context


def _trust_store() -> tuple[object, ...]:
    """Return what is different when OpenSSL would load other certificates; Windows does not tell about its own."""
    paths = _default_paths()
    file = os.environ.get(paths.openssl_cafile_env, paths.openssl_cafile)
    folders = os.environ.get(paths.openssl_capath_env, paths.openssl_capath)
    return tuple(map(_identity, (file, *folders.split(os.pathsep))))


@functools.cache
def _default_paths() -> DefaultVerifyPaths:
    import ssl

    return ssl.get_default_verify_paths()


def _identity(path: str) -> object:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return path
    return path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_tls(sock: Any) -> bool:
    """Return whether a socket speaks TLS.

    Asked by a method that every kind of TLS socket has: those of ``ssl``, and those that pyOpenSSL and urllib3 put in
    their place, which are no subclasses.
    """
    return hasattr(sock, "getpeercert")


def tell(sock: SSLSocket, host: str) -> None:
    """Write to the log what has been agreed on with *host*."""
    if log.is_on() and (context := getattr(sock, "context", None)) is not None:
        # CERT_NONE is 0, and `ssl` is not imported for it.
        checked = "is not checked" if context.verify_mode == 0 else "is trusted"
        log("TLS with %s: %s, its certificate %s", host, sock.version(), checked)


def _allow_late_authentication(context: SSLContext) -> None:
    # None means that the TLS library knows no TLS 1.3.
    if context.post_handshake_auth is not None:
        context.post_handshake_auth = True


def _load_cert(context: SSLContext, cert: Cert) -> None:
    import ssl

    file, key, password = cert_parts(cert)
    # The errors of ssl do not say which file is missing; those of open() do.
    for path in (file, key):
        if path is not None:
            with open(path, "rb"):
                pass
    try:
        context.load_cert_chain(file, key, _no_password if password is None else password)
    except _PasswordNeeded:
        raise ssl.SSLError(
            ssl.SSL_ERROR_SSL, f"the private key in {key or file!r} is encrypted and no password was given"
        ) from None
    except ssl.SSLError as error:
        files = repr(file) if key is None else f"{file!r} with the key {key!r}"
        why = _explain(error, password is not None)
        raise ssl.SSLError(error.errno, f"cannot load the client certificate {files}: {why}") from error


class _PasswordNeeded(Exception):
    """The key is encrypted; raised through OpenSSL, from the function that it calls for a password."""


def _no_password() -> NoReturn:
    # Without this OpenSSL would ask on the terminal, and a program that has none would stand still.
    raise _PasswordNeeded


def _explain(error: SSLError, with_password: bool) -> str:
    # OpenSSL itself says no more than "PEM lib" for most of these.
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    if with_password:
        return "the password is wrong, or a file is not in PEM format"
    return "there is no certificate or no key in PEM format"
