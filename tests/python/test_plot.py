"""Pictures of connections, and the subcommands report and plot."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import DATA, run

from gofollow import OptionError, follow

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not there: no pictures are drawn (extra plot)")

LOSSY, LOSS = DATA / "lossy.pcap", DATA / "capture_loss.pcap"


def labels(figure: object, side: str) -> set[str]:
    for axes in figure.axes:  # type: ignore[attr-defined]
        if axes.get_title() == f"{side}'s data":
            return set(axes.get_legend_handles_labels()[1])
    return set()


def test_what_a_graph_has() -> None:
    from gofollow.plot import plot

    figure = plot(LOSSY, connection=0)
    assert {"segment", "retransmitted", "out of order", "acknowledged"} <= labels(figure, "server")
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(OptionError, match="connection=7"):
        plot(LOSSY, connection=7)


def test_gaps_are_bands() -> None:
    from gofollow.plot import plot

    (stream,) = follow(LOSS)
    figure = plot(LOSS, connection=0)
    axes = next(axes for axes in figure.axes if axes.get_title() == "server's data")
    assert len(axes.patches) == len(stream.server_gaps) > 0


def test_a_stream_is_drawn() -> None:
    from gofollow.plot import plot_stream

    (stream,) = follow(LOSS, record="segments")
    assert "segment" in labels(plot_stream(stream), "server")
    drawn = stream.plot()
    assert drawn._repr_png_().startswith(b"\x89PNG")  # a notebook shows it
    assert labels(drawn, "server") == labels(plot_stream(stream), "server")
    (bare,) = follow(LOSS)
    with pytest.raises(OptionError, match="record"):
        plot_stream(bare)


def test_plot_and_report_write_files_once(tmp_path: Path) -> None:
    plot, report = ("plot", LOSSY, 0), ("report", LOSSY)
    for words, name, begins in ((plot, "p.svg", b"<?xml"), (plot, "p.png", b"\x89PNG"), (report, "r.html", b"<!DOCTYPE")):
        out = tmp_path / name
        assert run(*words, "-o", out).code == 0
        assert out.read_bytes().startswith(begins)
        again = run(*words, "-o", out)
        assert again.code == 2
        assert "--force" in again.err
        assert run(*words, "-o", out, "--force").code == 0


def test_errors_are_sentences(tmp_path: Path) -> None:
    text = tmp_path / "text.pcap"
    text.write_text("hello world, this is not a capture at all")
    for words in (
        ("report", text, "-o", tmp_path / "a.html"),
        ("report", LOSSY, "-o", "/dev/full"),
        ("plot", LOSSY, 9, "-o", tmp_path / "a.png"),
        ("plot", LOSSY, 0, "-o", tmp_path / "a.xyz"),
    ):
        result = run(*words)
        assert result.code == 2, words
        assert result.err.startswith("gofollow: ")
