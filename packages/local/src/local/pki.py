"""Certificates of one API server: an authority of its own, one leaf for loopback listeners, one administrator."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local.processes import write


@dataclass(frozen=True)
class Pki:
    """Where the files of one API server are."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.crt"

    @property
    def ca_key(self) -> Path:
        return self.folder / "ca.key"

    @property
    def tls(self) -> Path:
        """A folder with tls.crt, tls.key and ca.crt, for servers and clients on 127.0.0.1."""
        return self.folder / "tls"

    @property
    def admin(self) -> Path:
        return self.folder / "admin.crt"

    @property
    def admin_key(self) -> Path:
        return self.folder / "admin.key"

    @property
    def accounts_key(self) -> Path:
        """Signs service account tokens."""
        return self.folder / "accounts.key"


def make(folder: Path, addresses: Iterable[str] = ()) -> Pki:
    """The certificates in `folder`, made when they are not there; `addresses` are the API server's besides loopback."""
    pki = Pki(folder)
    if pki.admin.exists():
        return pki
    authority_key, name = _key(), _name("modelplane-local")
    authority = _sign(name, authority_key, name, authority_key)
    write(pki.ca, _pem(authority))
    write(pki.ca_key, _key_pem(authority_key))
    write(pki.tls / "ca.crt", _pem(authority))
    write(pki.accounts_key, _key_pem(_key()))
    leaf_key = _key()
    write(pki.tls / "tls.key", _key_pem(leaf_key))
    leaf = _sign(_name("modelplane-process"), leaf_key, name, authority_key, addresses=addresses)
    write(pki.tls / "tls.crt", _pem(leaf))
    admin_key = _key()
    write(pki.admin_key, _key_pem(admin_key))
    # Last: it tells that all others are there.
    write(pki.admin, _pem(_sign(_name("modelplane-admin", "system:masters"), admin_key, name, authority_key)))
    return pki


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _name(common: str, organization: str = "modelplane") -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization), x509.NameAttribute(NameOID.COMMON_NAME, common)]
    )


def _sign(
    subject: x509.Name,
    key: rsa.RSAPrivateKey,
    issuer: x509.Name,
    issuer_key: rsa.RSAPrivateKey,
    addresses: Iterable[str] = (),
) -> x509.Certificate:
    authority = subject == issuer
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        hosts = [x509.IPAddress(ipaddress.ip_address(a)) for a in ("127.0.0.1", *addresses)]
        names = x509.SubjectAlternativeName([*hosts, x509.DNSName("localhost")])
        built = built.add_extension(both, critical=False).add_extension(names, critical=False)
    return built.sign(issuer_key, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: rsa.RSAPrivateKey) -> str:
    """PKCS#1, the form that Crossplane reads."""
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
