"""Signed addresses: one path, for a while, as long as the credential that they were asked for with is good."""

from collections.abc import Mapping

from lianpu.accounts.authentication import Authentication
from lianpu.accounts.principal import Principal, PrincipalKind
from lianpu.accounts.secret import AccountSecret
from lianpu.errors import SignatureError
from lianpu.http.signing import AddressSigner


class SignedAddresses:
    def __init__(self, authentication: Authentication, secret: AccountSecret) -> None:
        self._authentication = authentication
        self._signer = AddressSigner(lambda: secret.address_key)

    def signed(self, path: str, principal: Principal, *, lifetime_s: float) -> str:
        """The path with a query that stands for the principal's credential, on this path alone."""
        return self._signer.signed(path, lifetime_s, f"{principal.kind.value}:{principal.credential_id}")

    async def principal_of(self, path: str, fields: Mapping[str, str]) -> Principal:
        """Whom a signed address was given to.

        Args:
            fields: of the address's query.

        Raises:
            SignatureError: the address is not one of this server, or its time is over.
            TokenError, ApiKeyError: the login or key that it was given out for has ended.
        """
        kind, _, credential_id = self._signer.holder_of(path, fields).partition(":")
        try:
            return await self._authentication.principal_by_id(PrincipalKind(kind), credential_id)
        except ValueError as error:
            raise SignatureError("The address was given out by another version of this server.") from error
