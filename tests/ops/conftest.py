"""After the gradient checks: a table of the largest error of every operation."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for key, value in report.user_properties
        if key == "gradcheck"
    ]
    if not rows or "gradcheck" not in terminalreporter.config.option.markexpr:
        return
    rows.sort(key=lambda row: -row[1])
    terminalreporter.section("gradcheck: largest |analytic - numeric| of every operation, in float64")
    for name, error, count in rows:
        terminalreporter.write_line(f"{name:<34} {error:9.2e}   {count:3d} calls")
    terminalreporter.write_line(
        f"{len(rows)} operations; the largest error is {rows[0][1]:.2e} ({rows[0][0]})"
    )
