"""TLS between the processes: the files that the settings name, read and checked in one place.

Core serves with a `ServerTls`; edge, worker and commands call it with a
`ClientTls`, or with the `ssl.SSLContext` that says the same.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path

from tickets.settings import PREFIX, Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate with its chain, and its private key, both PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class ServerTls:
    """What core serves with. `client_ca` is the CA of callers; None: anybody may call."""

    identity: Identity
    client_ca: bytes | None


@dataclass(frozen=True, slots=True)
class ClientTls:
    """What core is called with. `name` is what its certificate has to be for."""

    ca: bytes
    identity: Identity | None
    name: str


def server(settings: Settings) -> ServerTls | None:
    """What core serves with; None: it serves without TLS.

    Raises:
        SettingsError: A file is missing or wrong.
    """
    identity = _identity(settings, "core_tls_cert", "core_tls_key")
    client_ca = _authorities(settings, "core_tls_client_ca")
    return None if identity is None else ServerTls(identity, client_ca)


def client(settings: Settings) -> ClientTls | None:
    """What core is called with; None: it is called without TLS.

    Raises:
        SettingsError: A file is missing or wrong.
    """
    ca = _authorities(settings, "core_tls_ca")
    identity = _identity(settings, "core_tls_client_cert", "core_tls_client_key")
    return None if ca is None else ClientTls(ca, identity, core_name(settings))


def core_name(settings: Settings) -> str:
    """What core's certificate has to be for: of several addresses all the same."""
    host, _ = settings.core_addresses[0]
    return settings.core_tls_name or host


def ssl_context(settings: Settings) -> ssl.SSLContext | None:
    """The same as `client`, for one who brings sockets of his own and speaks HTTP/2 over them.

    What to pass as `server_hostname` is `core_name`.

    Raises:
        SettingsError: A file is missing or wrong.
    """
    if client(settings) is None:
        return None
    context = ssl.create_default_context(cafile=settings.core_tls_ca)
    context.set_alpn_protocols(["h2"])
    if settings.core_tls_client_cert is not None:
        context.load_cert_chain(settings.core_tls_client_cert, settings.core_tls_client_key)
    return context


def check_edge(settings: Settings) -> None:
    """Looks at what the edge serves with.

    Raises:
        SettingsError: A file is missing or wrong.
    """
    _identity(settings, "edge_tls_cert", "edge_tls_key")


def _identity(settings: Settings, cert_name: str, key_name: str) -> Identity | None:
    cert: Path | None = getattr(settings, cert_name)
    key: Path | None = getattr(settings, key_name)
    if cert is None or key is None:
        return None
    found = Identity(_read(cert_name, cert), _read(key_name, key))
    try:
        # A password would be asked for on the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password=_no_password)
    except (ssl.SSLError, ValueError) as fault:
        raise _fault(
            cert_name, f"{cert} and {key} are no certificate with its key", fault
        ) from None
    return found


def _authorities(settings: Settings, name: str) -> bytes | None:
    path: Path | None = getattr(settings, name)
    if path is None:
        return None
    found = _read(name, path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError as fault:
        raise _fault(name, f"{path} holds no certificate", fault) from None
    return found


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise _fault(name, f"{path} cannot be read", fault) from None


def _no_password() -> str:
    raise ValueError("the key has a password")


def _fault(name: str, what: str, fault: Exception) -> SettingsError:
    # Not the text of an `OSError`, which names the file once more.
    cause = getattr(fault, "reason", None) or getattr(fault, "strerror", None) or fault
    return SettingsError(f"{PREFIX}{name.upper()}: {what}: {cause}")
