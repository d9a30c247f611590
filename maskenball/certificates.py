"""An authority of a deployment's own, and certificates under it: for trials, or where there is no other authority."""

import datetime as dt
import ipaddress
import os
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from kit.tls import AUTHORITY, CERTIFICATE, KEY

#: Whoever speaks with others, by the names that docker-compose.yml gives them.
MEMBERS = (
    "postgres",
    "nats",
    "nats_class_1",
    "migrate",
    "consent",
    "profile",
    "profile_fold",
    "recommendation",
    "avatar",
    "gateway",
    "avatar_adapter",
)
_AUTHORITY_KEY = "authority.key"
_HERE = ("localhost", "127.0.0.1")
# Clocks of two machines differ a little.
_EARLIER = dt.timedelta(minutes=5)


def make_certificates(folder: Path, names: Iterable[str], now: dt.datetime, lasts: dt.timedelta) -> list[Path]:
    """Make a folder for each of these names, with what it shows and whom it believes; return the folders.

    An authority that is there is used again, so that what is running goes on believing what is made now.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    until = now + lasts
    key, authority = _authority(folder, now, until)
    return [_make(folder / name, name, (key, authority), (now - _EARLIER, until)) for name in names]


def _authority(
    folder: Path, now: dt.datetime, until: dt.datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    kept, public = folder / _AUTHORITY_KEY, folder / AUTHORITY
    if kept.exists():
        key = load_pem_private_key(kept.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"{kept} is no key of ours")
        return key, x509.load_pem_x509_certificate(public.read_bytes())
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("maskenball")
    usage = x509.BasicConstraints(ca=True, path_length=0)
    builder = _builder(name, name, key, (now - _EARLIER, until)).add_extension(usage, critical=True)
    certificate = builder.sign(key, SHA256())
    _write(public, certificate.public_bytes(Encoding.PEM))
    _write(kept, _pem(key))
    return key, certificate


def _make(
    folder: Path,
    name: str,
    authority: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    valid: tuple[dt.datetime, dt.datetime],
) -> Path:
    signing, issuer = authority
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([_general(each) for each in (name, *_HERE)])
    builder = _builder(_name(name), issuer.subject, key, valid).add_extension(names, critical=False)
    folder.mkdir(exist_ok=True, mode=0o700)
    _write(folder / AUTHORITY, issuer.public_bytes(Encoding.PEM))
    _write(folder / KEY, _pem(key))
    _write(folder / CERTIFICATE, builder.sign(signing, SHA256()).public_bytes(Encoding.PEM))
    return folder


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: tuple[dt.datetime, dt.datetime]
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
    return builder.serial_number(x509.random_serial_number()).not_valid_before(valid[0]).not_valid_after(valid[1])


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
