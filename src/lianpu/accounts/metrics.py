"""Logins and limits as metrics: how often this process refused; never whom."""

from collections.abc import Iterable, Sequence

from prometheus_client.core import Metric

from lianpu.accounts.accounts import Accounts
from lianpu.http.rate_limit import RateLimit
from lianpu.observability.metrics import Read, counter


def account_reading(accounts: Accounts, others: Sequence[RateLimit] = ()) -> Read:
    """`others`: limits of features."""

    async def read() -> Iterable[Metric]:
        logins = accounts.logins
        refused = {("failed",): float(logins.failed_total), ("locked_out",): float(logins.locked_out_total)}
        limits = (*accounts.rate_limits.all, *others)
        return [
            counter("lianpu_logins_refused", "Logins that were refused.", refused, ("reason",)),
            counter(
                "lianpu_rate_limit_refusals",
                "Calls that were too many, by the limit that they met.",
                {(limit.name,): float(limit.refused_total) for limit in limits},
                ("limit",),
            ),
        ]

    return read
