"""Which addresses a client may have called back: the URL as text, and later what it resolves to.

Nothing here looks a name up.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

_LEAST_PORT = 1024
_HTTPS_PORT = 443
_PLACEHOLDER = "{job_id}"
_SAMPLE_ID = "00000000-0000-4000-8000-000000000000"
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_BRACKETED = re.compile(r"\[[0-9a-f:.]+\](:[0-9]*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\\"<>^`|{}]")
_LONGEST_HOST = 253
_IPV4_PARTS = 4
# IPv6 ranges that stand for an IPv4 address: translated by NAT64, tunnelled by 6to4 and Teredo.
_CARRIERS = tuple(
    map(
        ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
    )
)
# Reserved or local ranges that Python's `is_global` lets pass, or does in some versions: protocol
# assignments, the 6to4 relay, site-local, documentation.
_RESERVED = tuple(
    map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "fec0::/10", "3fff::/20"))
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a callback goes.

    Attributes:
        host: A name or an address, in lower case.
        port: Given or implied.
        path: With the query, as it stands in the request.
    """

    host: str
    port: int
    path: str


def filled(url: str, job_id: str) -> str:
    """The URL as it is called for a job."""
    return url.replace(_PLACEHOLDER, job_id)


def target(url: str) -> Target:
    """The parts of a URL that was checked and filled."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(_host(parts), parts.port or _HTTPS_PORT, path)


def problem(url: str, internal_hosts: Collection[str] = ()) -> str | None:
    """What is wrong with a callback URL; None when it may be called.

    HTTPS, port 443 or from 1024 up, no userinfo, no local or private host in
    any spelling; `{job_id}` in path or query stands for the job's id.

    Args:
        url: As a client gives it.
        internal_hosts: Names in lower case that may be local or private.
    """
    sample = filled(url, _SAMPLE_ID)
    if _FORBIDDEN.search(sample):
        if "{" in sample or "}" in sample:
            return "must have no placeholder but {job_id}"
        return "must not contain spaces, control characters, backslashes or quotes"
    if not sample.isascii():
        # Full-width digits and dots would become plain ones on the way to the resolver.
        return "must be ASCII; write an international host in its xn-- form"
    try:
        parts = urlsplit(sample)
        port = parts.port
    except ValueError:
        return "must be a URL"
    return _scheme_problem(parts, port) or _host_problem(url, _host(parts), internal_hosts)


def address_problem(address: str) -> str | None:
    """What is wrong with calling an address that a name has resolved to; None when it may be."""
    if ":" in address:
        return _ipv6_problem(address)
    return _ipv4_problem(address.split("."))


def _host(parts: SplitResult) -> str:
    """The host in the one spelling that is compared; a dot at the end of a name adds nothing."""
    return (parts.hostname or "").removesuffix(".")


def _scheme_problem(parts: SplitResult, port: int | None) -> str | None:
    if parts.scheme != "https":
        return "must begin with https://"
    if "@" in parts.netloc:
        return "must not contain a user name or password"
    if port is not None and port != _HTTPS_PORT and port < _LEAST_PORT:
        return "must use port 443 or a port from 1024 up"
    if parts.netloc.endswith(":"):
        return "must name a port after the colon"
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        return "must name a valid host"
    return None


def _host_problem(url: str, host: str, internal_hosts: Collection[str]) -> str | None:
    if not host:
        return "must name a host"
    address, _, fragment = url.split("://", 1)[-1].partition("#")
    if _PLACEHOLDER in fragment or _PLACEHOLDER in re.split("[/?]", address, maxsplit=1)[0]:
        return "must have {job_id} in its path or query only"
    if host in internal_hosts:
        return None
    return _ipv6_problem(host) if ":" in host else _name_problem(host)


def _name_problem(name: str) -> str | None:
    labels = name.split(".")
    if len(name) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        return "must name a valid host"
    if labels[-1] in {"localhost", "local", "internal", "localdomain", "localdomain6"}:
        return "must not be a local host"
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4_problem(labels)
    if len(labels) == 1:
        return "must name a host in full"
    return None


def _ipv4_problem(labels: list[str]) -> str | None:
    """Judges an address as the C library reads it: decimal, octal, hex, and short forms."""
    address = _ipv4(labels)
    if address is None:
        return "must name a valid host"
    return None if _public(address) else "must not be a private, local or reserved address"


def _ipv4(labels: list[str]) -> ipaddress.IPv4Address | None:
    if len(labels) > _IPV4_PARTS or not all(_NUMBER.fullmatch(label) for label in labels):
        return None
    try:
        *heads, tail = (_integer(label) for label in labels)
    except ValueError:
        return None
    room = 256 ** (_IPV4_PARTS - len(heads))
    if any(head > 255 for head in heads) or tail >= room:  # noqa: PLR2004 - a byte
        return None
    value = sum(head << (8 * (3 - place)) for place, head in enumerate(heads)) + tail
    return ipaddress.IPv4Address(value)


def _integer(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8) if label.startswith("0") else int(label)


def _ipv6_problem(host: str) -> str | None:
    try:
        address = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return "must name a valid host"
    if "%" in host or address.ipv4_mapped or any(address in range_ for range_ in _CARRIERS):
        return "must not be a mapped, translated or scoped address"
    return None if _public(address) else "must not be a private, local or reserved address"


def _public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved)
        and not any(address in range_ for range_ in _RESERVED)
    )
