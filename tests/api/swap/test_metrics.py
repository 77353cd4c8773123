"""Swaps as `/metrics` shows them: by kind and engine, never whose face."""

import pytest

from tests.api.metric_samples import scrape
from tests.api.swap.conftest import SwapHouse

pytestmark = pytest.mark.anyio


async def test_R_OPS_2_swaps_are_counted_by_kind_and_engine_and_their_time_is_measured(
    house: SwapHouse, astronaut_photo: bytes
) -> None:
    consent = await house.consent()
    job, _ = await house.swapped(astronaut_photo, consent)
    found = await scrape(house.admin)
    assert found.of("lianpu_swaps_total", kind="image", engine="landmark") == found.of("lianpu_swaps_total") == 1
    assert found.of("lianpu_stage_duration_seconds_count", stage="swap", pack="landmark") == 1
    assert found.of("lianpu_job_run_seconds_count", kind="swap.run", status="completed") == 1
    assert found.of("lianpu_swap_live_active") == 0
    for private in ("Zhang San", "film-dubbing", consent["consent_id"], job["job_id"], house.user_id):
        assert private not in found.text
