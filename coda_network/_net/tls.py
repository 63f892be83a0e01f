"""TLS: the context of a client with its certificate, and which sockets speak it."""

from __future__ import annotations

import functools
import os
from time import monotonic

from coda_network._originals import is_own, own_class
from coda_network._trace import Trace

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import DefaultVerifyPaths, SSLContext, SSLError, SSLSocket
    from typing import Any, NoReturn, TypeAlias

log = Trace("net")

Path: TypeAlias = str | os.PathLike[str]

NO_TLS = "https needs the module ssl, and this Python was built without it"

# One file with certificate and key; or the certificate (with its chain) and its key in two files; or these and the
# password of the key.
Cert: TypeAlias = Path | tuple[Path, Path | None] | tuple[Path, Path | None, str | bytes | None]


def cert_parts(cert: Cert) -> tuple[str, str | None, str | bytes | None]:
    """Return the parts of a client certificate that is given in any of its forms.

    :returns: the certificate file, the key file, the password; the last two None where they are not given
    :raises TypeError: *cert* has another form; the message does not repeat it, because it may hold a password
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


def load_ssl() -> Any:
    """Return the module ssl.

    :raises URLError: this Python has none
    """
    try:
        import ssl
    except ImportError:
        from urllib.error import URLError

        raise URLError(NO_TLS) from None
    return ssl


def client_context(
    context: SSLContext | None = None, cert: Cert | None = None, make: Callable[[], SSLContext] | None = None
) -> SSLContext:
    """Return the context for connections to a server, with the client certificate loaded.

    The default context is made by ``ssl._create_default_https_context``, looked up at each call, because programs
    replace it to say how certificates are checked (PEP 476). Like http.client's it offers http/1.1 by ALPN (RFC 7301)
    and allows authentication after the handshake (RFC 8446 section 4.6.2). Making one reads the system's trust store,
    which takes some milliseconds: make one for many connections.

    :param context: the context to use, None for a default one. A certificate is loaded into this very context, as
        http.client did with ``cert_file``, and so also serves the caller's other connections with the context
    :param cert: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param make: makes a default context, in place of that function
    :raises OSError: a file cannot be read; the error names it. Or there is no module ssl
    :raises ssl.SSLError: a file has no certificate or no key, the key does not belong to the certificate, or its
        password is wrong or missing; the password is not in the message
    :raises TypeError: *cert* has another form
    """
    if context is None:
        ssl = load_ssl()
        context = (make or ssl._create_default_https_context)()
        context.set_alpn_protocols(["http/1.1"])
        _allow_late_authentication(context)
    if cert is not None:
        _load_cert(context, cert)
        # A certificate that was given is meant for whenever the server asks for one.
        _allow_late_authentication(context)
    return context


MOST_AGE = 60.0
"""The most seconds for which ``shared_context()`` returns the same context."""

_shared: tuple[object, float, SSLContext] | None = None


def shared_context() -> SSLContext:
    """Return a default context that connections share whose user never gets to see it.

    A new one is made when it is too old, when a program has replaced the function that makes default contexts (PEP
    476), or when the trust store has changed. A context that a program can get hold of must not come from here: it may
    load a certificate into the context or switch its checks off, and would do so for all.

    :raises OSError: as for ``client_context()``
    """
    global _shared
    ssl = load_ssl()
    make = ssl._create_default_https_context
    if not is_of_ssl(make):
        # A function of the program: what its contexts depend on, and who else has them, is not known here.
        return client_context()
    # What a default context depends on; truststore replaces the class of contexts. It is noted before the context is
    # made, so that the next call notices what changes meanwhile.
    origin = make, ssl.SSLContext, os.environ.get("SSLKEYLOGFILE"), _trust_store()
    now = monotonic()
    known = _shared
    if known is not None and known[0] == origin and now - known[1] < MOST_AGE:
        return known[2]
    context = client_context()
    _shared = origin, now, context
    return context


def is_of_ssl(make: object) -> bool:
    """Return whether a function that makes default contexts is one of ssl's own, not of the program."""
    import ssl

    return getattr(make, "__globals__", None) is vars(ssl)


def _trust_store() -> tuple[object, ...]:
    """Return a value that differs when OpenSSL would load other certificates. Windows' own store is not covered."""
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

    Every kind of TLS socket has this method: those of ``ssl``, and those of pyOpenSSL and of urllib3's TLS within TLS,
    which are no subclasses of ``socket.socket``.
    """
    return hasattr(sock, "getpeercert")


def begin_tls(context: SSLContext, sock: Any, server_hostname: str) -> Any:
    """Begin TLS over a connected socket, which may speak TLS already; return the TLS socket.

    :raises OSError: the handshake failed
    """
    if not is_tls(sock) or not _wraps_descriptors(context):
        try:
            return context.wrap_socket(sock, server_hostname=server_hostname)
        except BaseException as error:
            close_half_made(error)
            raise
    from coda_network._net.tls_in_tls import TLSInTLS

    return TLSInTLS(context, sock, server_hostname)


def _wraps_descriptors(context: Any) -> bool:
    """Return whether a context is one of ``ssl``, for which a socket is a descriptor.

    Others know their own sockets: pyOpenSSL's, and those of test doubles, which may have taken the name of the class or
    of its method, and whose sockets may have every attribute.
    """
    own = own_class(load_ssl(), "SSLContext")
    return isinstance(context, own) and is_own(own, vars(own)["wrap_socket"])


def close_half_made(error: BaseException) -> None:
    """Close the TLS socket that ``wrap_socket()`` had begun to make when it failed with *error*.

    Where the peer resets the connection just before, ssl of Python 3.10 to 3.12 has taken the descriptor over already
    and leaves it open: only the frames of the error know the new socket.
    """
    traceback = error.__traceback__
    while traceback is not None:
        made: Any = traceback.tb_frame.f_locals.get("self")
        if is_tls(made):
            made.close()
        traceback = traceback.tb_next


def log_tls(sock: SSLSocket, host: str) -> None:
    """Log the version of TLS that was agreed on with *host*, and whether its certificate is checked."""
    if log.is_on() and (context := getattr(sock, "context", None)) is not None:
        # 0 is CERT_NONE; ``ssl`` is not imported for it.
        checked = "is not checked" if context.verify_mode == 0 else "is trusted"
        log("TLS with %s: %s, its certificate %s", host, sock.version(), checked)


def _allow_late_authentication(context: SSLContext) -> None:
    # None: the TLS library does not have TLS 1.3.
    if context.post_handshake_auth is not None:
        context.post_handshake_auth = True


def _load_cert(context: SSLContext, cert: Cert) -> None:
    import ssl

    file, key, password = cert_parts(cert)
    # Unlike those of ssl, the errors of open() say which file is missing.
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
    """The key is encrypted and no password was given. OpenSSL passes it on from its password callback."""


def _no_password() -> NoReturn:
    # Without this callback OpenSSL asks on the terminal, and a program without one would hang.
    raise _PasswordNeeded


def _explain(error: SSLError, with_password: bool) -> str:
    # For most of these OpenSSL's own message is "PEM lib".
    if error.reason == "KEY_VALUES_MISMATCH":
        return "the key does not belong to the certificate"
    if with_password:
        return "the password is wrong, or a file is not in PEM format"
    return "there is no certificate or no key in PEM format"
