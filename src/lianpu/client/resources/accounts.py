"""Calls about users, logins and API keys."""

from collections.abc import Sequence
from typing import Literal

from lianpu.client.answers import ApiKey, LoginSession, NewApiKey, User
from lianpu.client.operation import operation
from lianpu.client.request import Json, Nothing, Request, given


class AccountCalls:
    """One's own account."""

    @operation
    def get(self) -> Request[User]:
        """Who this credential stands for, and what it may do."""
        return Request("GET", "/api/v1/users/me", Json(User, "user"))

    @operation
    def rename(self, name: str) -> Request[User]:
        """Take another name."""
        return Request("PUT", "/api/v1/users/me", Json(User, "user"), json=given({"name": name}))

    @operation
    def change_password(self, current_password: str, new_password: str) -> Request[None]:
        """Change the password; all other logins end."""
        return Request(
            "PUT",
            "/api/v1/users/me/password",
            Nothing(),
            json=given({"current_password": current_password, "new_password": new_password}),
        )

    @operation
    def sessions(self) -> Request[tuple[LoginSession, ...]]:
        """One's logins, the one used last first."""
        return Request("GET", "/api/v1/users/me/sessions", Json(tuple[LoginSession, ...], "sessions"))

    @operation
    def end_session(self, session_id: str) -> Request[None]:
        """End one login; its access token stops at once."""
        return Request("DELETE", "/api/v1/users/me/sessions/{session_id}", Nothing(), path={"session_id": session_id})

    @operation
    def end_other_sessions(self) -> Request[None]:
        """End all logins but the one that makes this call."""
        return Request("DELETE", "/api/v1/users/me/sessions", Nothing())


class UserCalls:
    """All users; for administrators."""

    @operation
    def list(self) -> Request[tuple[User, ...]]:
        """All users, by name."""
        return Request("GET", "/api/v1/users/", Json(tuple[User, ...], "users"))

    @operation
    def create(
        self,
        name: str,
        password: str,
        *,
        role: Literal["viewer", "operator", "admin"] | None = None,
        must_change_password: bool | None = None,
    ) -> Request[User]:
        """Make a user: administrators any, anybody a viewer where registration is open (`accounts.registration`)."""
        return Request(
            "POST",
            "/api/v1/users/",
            Json(User, "user"),
            json=given(
                {"name": name, "password": password, "role": role, "must_change_password": must_change_password}
            ),
        )

    @operation
    def get(self, user_id: str) -> Request[User]:
        """One user."""
        return Request("GET", "/api/v1/users/{user_id}", Json(User, "user"), path={"user_id": user_id})

    @operation
    def update(
        self,
        user_id: str,
        *,
        name: str | None = None,
        role: Literal["viewer", "operator", "admin"] | None = None,
        granted_scopes: Sequence[str] | None = None,
        is_active: bool | None = None,
        password: str | None = None,
    ) -> Request[User]:
        """Change a user. A new role, grant, state or password ends all logins of the user at once."""
        return Request(
            "PUT",
            "/api/v1/users/{user_id}",
            Json(User, "user"),
            path={"user_id": user_id},
            json=given(
                {
                    "name": name,
                    "role": role,
                    "granted_scopes": granted_scopes,
                    "is_active": is_active,
                    "password": password,
                }
            ),
        )

    @operation
    def delete(self, user_id: str) -> Request[None]:
        """Delete a user with all logins, API keys and images."""
        return Request("DELETE", "/api/v1/users/{user_id}", Nothing(), path={"user_id": user_id})


class KeyCalls:
    """API keys."""

    @operation
    def list(self, *, everybody: bool | None = None) -> Request[tuple[ApiKey, ...]]:
        """One's own API keys, newest first."""
        return Request("GET", "/api/v1/keys", Json(tuple[ApiKey, ...], "keys"), query={"everybody": everybody})

    @operation
    def create(
        self,
        name: str,
        scopes: Sequence[str],
        *,
        expires_in_days: int | None = None,
        user_id: str | None = None,
    ) -> Request[NewApiKey]:
        """Make a key that may do some of what the caller may. Its `secret` is in this answer and nowhere else."""
        return Request(
            "POST",
            "/api/v1/keys",
            Json(NewApiKey),
            json=given({"name": name, "scopes": scopes, "expires_in_days": expires_in_days, "user_id": user_id}),
        )

    @operation
    def revoke(self, key_id: str) -> Request[None]:
        """Revoke a key, at once and for good."""
        return Request("DELETE", "/api/v1/keys/{key_id}", Nothing(), path={"key_id": key_id})
