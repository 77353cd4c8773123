"""Who may make an account: administrators any, anybody one as a viewer where registration is open."""

from lianpu.accounts.access import require_scope
from lianpu.accounts.models import User
from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Role, Scope
from lianpu.accounts.users import Users
from lianpu.errors import AuthenticationRequiredError, RegistrationClosedError
from lianpu.http.rate_limit import RateLimits


class Registration:
    def __init__(self, users: Users, rate_limits: RateLimits, *, is_open: bool) -> None:
        self.is_open = is_open
        self._users = users
        self._rate_limits = rate_limits

    async def register(
        self,
        name: str,
        password: str,
        role: Role,
        *,
        must_change_password: bool | None,
        by: Principal | None,
        address: str,
    ) -> User:
        """
        Args:
            must_change_password: None: when an administrator chooses the password.
            by: None: somebody who has no account yet.

        Raises:
            RegistrationClosedError: only administrators make users here, and this is none.
            AuthenticationRequiredError, ScopeMissingError: so do they where the user shall be more than a viewer.
            RateLimitedError: too many registrations of this address.
            FieldsInvalidError, UserExistsError, BusyError: as in `Users.create`.
        """
        if by is not None and by.may(Scope.USERS_MANAGE):
            must_change = True if must_change_password is None else must_change_password
            return await self._users.create(name, password, role, must_change_password=must_change)
        if not self.is_open:
            raise RegistrationClosedError("Only an administrator makes accounts here: ask one.")
        if role is not Role.VIEWER:
            if by is None:
                raise AuthenticationRequiredError("Only an administrator makes users with other roles than viewer.")
            require_scope(by, Scope.USERS_MANAGE)
        await self._rate_limits.count_login(address)
        return await self._users.create(name, password, role, must_change_password=False)
