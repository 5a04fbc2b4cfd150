"""A small certificate authority for tests, and the settings that name its files."""

import ssl
from pathlib import Path

import trustme

LOOPBACK = "127.0.0.1"


class Authority:
    """A CA with its files in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._authority = trustme.CA()
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str, *identities: str) -> tuple[Path, Path]:
        """The files of a certificate for these names or addresses, and of its key."""
        issued = self._authority.issue_cert(*identities or (LOOPBACK,))
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(key)
        return certificate, key

    def server_context(self, host: str) -> ssl.SSLContext:
        """What a server named `host` presents itself with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(host).configure_cert(context)
        return context

    def callbacks(self) -> dict[str, str]:
        """Settings of an installation that calls receivers on this machine, and trusts them."""
        return {
            "TASKFORGE_CALLBACK_INTERNAL_HOSTS": "localhost",
            "TASKFORGE_CALLBACK_CA_FILE": str(self.ca),
        }

    def core(self, *identities: str, mutual: bool = False) -> dict[str, str]:
        """Settings of an installation whose core has a certificate, and asks for one."""
        certificate, key = self.issue("core", *identities)
        served = {
            "TASKFORGE_CORE_TLS_CERT": str(certificate),
            "TASKFORGE_CORE_TLS_KEY": str(key),
            "TASKFORGE_CORE_TLS_CA": str(self.ca),
        }
        if not mutual:
            return served
        return {**served, "TASKFORGE_CORE_TLS_CLIENT_CA": str(self.ca), **self.caller()}

    def caller(self) -> dict[str, str]:
        """Settings of one who brings a certificate to core."""
        certificate, key = self.issue("caller", "worker.internal")
        return {
            "TASKFORGE_CORE_TLS_CA": str(self.ca),
            "TASKFORGE_CORE_TLS_CLIENT_CERT": str(certificate),
            "TASKFORGE_CORE_TLS_CLIENT_KEY": str(key),
        }
