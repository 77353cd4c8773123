"""The key that manifests are signed with, and the certificates that vouch for it: made here, or the operator's own."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lianpu.errors import SigningKeyError

_LIFE = timedelta(days=3650)
_CURVE = ec.SECP256R1


@dataclass(frozen=True, slots=True)
class SigningCredentials:
    """PEM texts."""

    key: bytes
    """PKCS 8, P-256, without a passphrase."""
    chain: bytes
    """The signing certificate first, its issuer next; C2PA signatures carry it."""
    anchor: bytes
    """The certificate that is trusted: the last one of the chain."""


def make_credentials(organisation: str, now: datetime) -> SigningCredentials:
    """A root that signs one certificate, and whose own key is thrown away: C2PA takes no self-signed one."""
    root_key, leaf_key = ec.generate_private_key(_CURVE()), ec.generate_private_key(_CURVE())
    root_name = _name(organisation, "Lianpu provenance root")
    begins, ends = now.astimezone(UTC) - timedelta(minutes=5), now.astimezone(UTC) + _LIFE
    root = (
        x509.CertificateBuilder()
        .subject_name(root_name)
        .issuer_name(root_name)
        .public_key(root_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(is_root=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        x509.CertificateBuilder()
        .subject_name(_name(organisation, "Lianpu provenance"))
        .issuer_name(root_name)
        .public_key(leaf_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_root=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(leaf_key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    key = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    anchor = root.public_bytes(serialization.Encoding.PEM)
    return SigningCredentials(key, leaf.public_bytes(serialization.Encoding.PEM) + anchor, anchor)


def read_credentials(key: bytes, chain: bytes) -> SigningCredentials:
    """
    Raises:
        SigningKeyError: they cannot be read, are of another kind, do not belong together, or are over.
    """
    try:
        private = serialization.load_pem_private_key(key, None)
        certificates = x509.load_pem_x509_certificates(chain)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"The key or the certificates for provenance cannot be read: {error}.") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, _CURVE):
        raise SigningKeyError("The key for provenance is no P-256 key (ES256).")
    public = certificates[0].public_key()
    if (
        not isinstance(public, ec.EllipticCurvePublicKey)
        or public.public_numbers() != private.public_key().public_numbers()
    ):
        raise SigningKeyError("The first certificate for provenance belongs to another key.")
    if certificates[0].not_valid_after_utc <= datetime.now(UTC):
        raise SigningKeyError(
            f"The certificate for provenance was good until {certificates[0].not_valid_after_utc:%Y-%m-%d}."
        )
    # Written anew: a file that holds the key as well must not go into a signature.
    pem = [certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates]
    return SigningCredentials(key, b"".join(pem), pem[-1])


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, is_root: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_root,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_root,
        crl_sign=is_root,
        encipher_only=False,
        decipher_only=False,
    )
