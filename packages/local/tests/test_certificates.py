from __future__ import annotations

import ipaddress

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from local import pki


def load(file):
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_leaves_are_signed_by_an_authority_of_their_own(tmp_path):
    """Another cluster's administrator is nobody here."""
    one, two = pki.make(tmp_path / "one"), pki.make(tmp_path / "two")
    load(one.admin).verify_directly_issued_by(load(one.ca))
    load(one.tls / "tls.crt").verify_directly_issued_by(load(one.ca))
    assert load(one.ca).public_key() != load(two.ca).public_key()


def test_a_leaf_is_for_both_ends_of_a_loopback_connection(tmp_path):
    leaf = load(pki.make(tmp_path).tls / "tls.crt").extensions
    names = leaf.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [ipaddress.ip_address("127.0.0.1")] == names.get_values_for_type(x509.IPAddress)
    usage = leaf.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH} == set(usage)


def test_keys_are_pkcs1_and_for_the_owner_only(tmp_path):
    made = pki.make(tmp_path)
    for key in (made.ca_key, made.admin_key, made.accounts_key, made.tls / "tls.key"):
        assert key.read_text().startswith("-----BEGIN RSA PRIVATE KEY-----")
        assert key.stat().st_mode & 0o777 == 0o600


def test_certificates_are_made_once(tmp_path):
    before = pki.make(tmp_path).ca.read_bytes()
    assert before == pki.make(tmp_path).ca.read_bytes()


def test_certificates_that_were_made_halfway_are_made_again(tmp_path):
    pki.make(tmp_path).admin.unlink()
    made = pki.make(tmp_path)
    load(made.admin).verify_directly_issued_by(load(made.ca))
    load(made.tls / "tls.crt").verify_directly_issued_by(load(made.ca))
