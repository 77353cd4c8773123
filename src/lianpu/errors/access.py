"""Who may not: credentials, roles, and too many requests."""

from lianpu.errors.base import LianpuError


class AccessError(LianpuError):
    code, status, title = "forbidden", 403, "Forbidden"


class AuthenticationRequiredError(AccessError):
    code, status, title = "authentication_required", 401, "Authentication required"


class LoginFailedError(AccessError):
    code, status, title = "login_failed", 401, "Login failed"


class TokenError(AccessError):
    code, status, title = "token_invalid", 401, "Token not valid"


class TokenExpiredError(TokenError):
    code, title = "token_expired", "Token has expired"


class TokenRevokedError(TokenError):
    code, title = "token_revoked", "Login was ended"


class ApiKeyError(AccessError):
    code, status, title = "api_key_invalid", 401, "API key not valid"


class ScopeMissingError(AccessError):
    code, title = "scope_missing", "Not allowed"


class SignatureError(AccessError):
    code, title = "signature_invalid", "Address not valid"


class AccountRequiredError(AccessError):
    code, title = "account_required", "Credential without an account"


class RegistrationClosedError(AccessError):
    code, title = "registration_closed", "Registration closed"


class SetupTokenError(AccessError):
    code, title = "setup_token_invalid", "Set-up link not valid"


class RetrievalTokenError(AccessError):
    code, title = "retrieval_token_invalid", "Retrieval token not valid"


class ForeignHostError(AccessError):
    code, title = "foreign_host", "Request for a foreign host name"


class ForeignOriginError(AccessError):
    code, title = "foreign_origin", "Request from a foreign origin"


class ForeignNetworkError(AccessError):
    code, title = "foreign_network", "Request from a foreign network"


class RateLimitedError(LianpuError):
    code, status, title = "rate_limited", 429, "Too many requests"


class ConnectionLimitError(RateLimitedError):
    code, title = "too_many_connections", "Too many connections"


class LockedOutError(RateLimitedError):
    code, title = "locked_out", "Too many failed logins"
