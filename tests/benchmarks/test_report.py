"""The table says what was reached, and the figures have the names that others read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.benchmarks import __main__ as command
from tests.benchmarks.report import MEASURES, Figures, invalid, table
from tests.benchmarks.session import InvalidMeasurementError, Session


def test_keys_are_those_that_are_published() -> None:
    """The JSON object has these keys."""
    assert {measure.key for measure in MEASURES} == {
        "cpu_ratio_full",
        "cpu_us_per_flow_full",
        "floor_us_per_flow_full",
        "cpu_ratio_masked",
        "scrape_throughput_ratio",
        "scrape_cpu_s_50k",
        "rss_mib_end",
        "rss_growth_last_half",
        "visible_ms_p99",
        "ready_s",
        "filtered_share",
        "expectations_stream_ratio",
        "expectations_read_s",
        "expectations_mib",
        "expectations_first_us",
        "expectations_again_us",
        "expectations_answers_mib",
        "cluster_list_s",
        "cluster_read_s",
        "cluster_change_s",
        "cluster_held_mib",
        "cluster_mib",
        "nodes_commands_per_exporter_minute",
        "nodes_merges_per_exporter_minute",
        "nodes_facts_per_exporter_minute",
        "nodes_server_ms_per_exporter_minute",
        "nodes_received_kib_per_exporter_minute",
        "nodes_sent_kib_per_exporter_minute",
        "nodes_commands_per_s",
        "nodes_server_us_per_command",
        "nodes_server_us_per_fact",
        "nodes_facts",
        "nodes_server_bytes_per_fact",
        "nodes_connections_per_exporter",
        "nodes_server_kib_per_connection",
        "nodes_merge_ms_p50",
        "nodes_merge_ms_p99",
        "nodes_start_reads",
        "nodes_start_kib",
        "nodes_start_ms",
        "nodes_start_server_ms",
        "nodes_storm_s",
        "nodes_storm_load_ms_p99",
        "nodes_reconnect_server_ms",
        "nodes_expire_s_per_100k",
        "nodes_large_load_ms",
        "nodes_large_load_server_ms",
        "nodes_large_load_kib",
        *(
            f"node_{store}_{what}"
            for store in ("sqlite", "valkey")
            for what in (
                "start_mib",
                "quiet_mib",
                "end_mib",
                "end_pss_mib",
                "peak_mib",
                "idle_ms",
                "quiet_ms",
                "busy_ms",
                "series",
            )
        ),
    }


def test_table_has_value_target_and_verdict() -> None:
    """A row per measure that was taken; a target is a least or a most, or there is none."""
    lines = table({"filtered_share": 0.25, "scrape_throughput_ratio": 0.79, "ready_s": 1.5}).splitlines()
    assert [line.split() for line in lines[1:]] == [
        [
            "flows/s",
            "while",
            "50,000",
            "series",
            "are",
            "scraped",
            "÷",
            "without",
            "0.79",
            ">=",
            "0.8",
            "NOT",
            "REACHED",
        ],
        ["`demo`,", "start", "to", "ready,", "seconds", "1.50", "<=", "1.5", "ok"],
        ["share", "that", "our", "request", "keeps", "off", "the", "wire", "0.250", "reported"],
    ]


def test_slow_raw_reader_makes_all_figures_invalid() -> None:
    """Above 12 µs per flow it was the server that took the time."""
    assert not invalid({"floor_us_per_flow_full": 12.0})
    assert "12.1 µs" in invalid({"floor_us_per_flow_full": 12.1})
    assert not invalid({"ready_s": 1.0})


@pytest.mark.parametrize(
    ("figures", "code"),
    [({"cpu_ratio_full": 9.0, "floor_us_per_flow_full": 8.0}, 0), ({"floor_us_per_flow_full": 13.0}, 1)],
)
def test_only_an_invalid_measurement_fails(
    figures: Figures, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A target that is not reached is exit code 0; the figures are written in any case."""
    monkeypatch.setattr(command, "ROWS", {"cpu": lambda _: figures})
    monkeypatch.setenv("BENCH_JSON", str(tmp_path / "figures.json"))
    assert command.main([]) == code
    assert json.loads((tmp_path / "figures.json").read_text()) == figures


def test_rows_are_chosen_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the rows that are named are taken; a name that does not exist is bad use."""
    taken: list[str] = []

    def row(name: str) -> Callable[[Session], Figures]:
        def take(_: Session) -> Figures:
            taken.append(name)
            return {}

        return take

    monkeypatch.setattr(command, "ROWS", {name: row(name) for name in ("cpu", "rss", "ready")})
    assert command.main(["ready", "cpu"]) == 0
    assert taken == ["ready", "cpu"]
    assert command.main(["cpus"]) == 2
    assert "no such row: cpus; there are cpu, rss, ready" in capsys.readouterr().err


def test_row_that_measured_something_else_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """No table, exit code 1."""

    def row(_: Session) -> Figures:
        raise InvalidMeasurementError("half of the flows are missing")

    monkeypatch.setattr(command, "ROWS", {"cpu": row})
    assert command.main([]) == 1
