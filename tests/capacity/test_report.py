"""R-OPS 3: the report is kept in the home, and one that cannot be read counts as none."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lianpu.capacity.report import (
    REPORT_FILE,
    CapacityReport,
    Figure,
    FigureName,
    MeasuredMachine,
    MeasuredSettings,
    MeasuredVersions,
    NoReference,
    Unit,
    Unmeasured,
    read_report,
    write_report,
)

REPORT = CapacityReport(
    measured_at=datetime(2026, 11, 30, 8, tzinfo=UTC),
    is_quick=False,
    busy_share=0.02,
    is_busy=False,
    machine=MeasuredMachine(host="here", system="Linux 6", processor="one", cores=4, memory_bytes=1 << 34),
    versions=MeasuredVersions(lianpu="0.1.0", python="3.11.7", onnxruntime="1.32.0"),
    settings=MeasuredSettings(pack="dlib@1", provider="cpu", cpu_reason=None, threads=4, workers=4),
    figures=[
        Figure(name=FigureName.FACES, unit=Unit.FACES_PER_S, value=12.5, measured_s=4.1, in_flight=4),
        Figure(
            name=FigureName.SEARCHES,
            unit=Unit.SEARCHES_PER_S,
            value=None,
            measured_s=0,
            reason=Unmeasured.GALLERY_EMPTY,
        ),
    ],
    reference=None,
    no_reference=NoReference.NOT_INSTALLED,
)


def test_R_OPS_3_the_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_report(tmp_path) is None
    write_report(tmp_path, REPORT)
    assert read_report(tmp_path) == REPORT


@pytest.mark.parametrize("content", ["", "[]", '{"format": 1}', '{"figures": []}'], ids=repr)
def test_R_OPS_3_a_damaged_report_is_told_in_the_log(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / REPORT_FILE).parent.mkdir()
    (tmp_path / REPORT_FILE).write_text(content)
    assert read_report(tmp_path) is None
    assert "cannot be read" in caplog.text


def test_R_OPS_3_a_report_of_another_version_counts_as_none(tmp_path: Path) -> None:
    write_report(tmp_path, REPORT.model_copy(update={"format": 2}))
    assert read_report(tmp_path) is None
