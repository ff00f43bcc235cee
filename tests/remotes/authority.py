"""A certificate authority of our own, made by openssl."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


@dataclass(frozen=True)
class Certificate:
    file: Path
    key: Path


class Authority:
    """Makes certificates for this machine's loopback."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.file = folder / "ca.pem"
        openssl(
            "req", "-x509", *_NEW_KEY, "-days", "2", "-subj", f"/CN={folder.name}", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder,
        )  # fmt: skip

    def certificate(self, name: str = "server", *, host: str = "localhost", expired: bool = False) -> Certificate:
        """A certificate for a host (loopback's address is in it too), on request one that has expired."""
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        openssl(
            "req", *_NEW_KEY, "-subj", f"/CN={host}", "-keyout", str(made.key), "-out", f"{name}.csr", cwd=self.folder
        )
        (self.folder / f"{name}.ext").write_text(
            f"subjectAltName=DNS:{host}" + (",IP:127.0.0.1" if host == "localhost" else "")
        )
        sign = [
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
        ]
        sign += [f"{name}.ext", "-out", str(made.file)]
        if not expired:
            openssl(*sign, "-days", "2", cwd=self.folder)
            return made
        try:
            openssl(*sign, "-not_before", "20250101000000Z", "-not_after", "20250102000000Z", cwd=self.folder)
        except subprocess.CalledProcessError:  # before OpenSSL 3.4
            openssl(*sign, "-days", "-1", cwd=self.folder)
        return made
