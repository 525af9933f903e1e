"""Certificates of tests: authorities, what they sign, and what is its own authority."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Signed:
    """A certificate with its key, as PEM."""

    certificate: str
    key: str

    def file(self, path: Path) -> Path:
        """Both in one file."""
        path.write_text(self.certificate + self.key)
        return path


@dataclass(frozen=True)
class Authority:
    """Who signs certificates; its own is signed by itself."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=_new_key)

    @functools.cached_property
    def certificate(self) -> str:
        return self._sign(self.name, self.key, is_authority=True)

    def sign(self, name: str) -> Signed:
        """A certificate that carries this name."""
        key = _new_key()
        return Signed(self._sign(name, key, is_authority=False), _pem(key))

    def _sign(self, name: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool) -> str:
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(self.name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


def its_own(folder: Path, name: str) -> tuple[Path, str]:
    """A file of a certificate that is its own authority and its key; and the certificate alone."""
    authority = Authority(name)
    certificate = authority.certificate
    return Signed(certificate, _pem(authority.key)).file(folder / f"{name}.pem"), certificate


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*plain).decode()
