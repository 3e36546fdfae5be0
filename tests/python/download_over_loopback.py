"""The long ones of the tests of live capture, which `make test-more` runs as root: MEGABYTES=1024 over loopback by default."""

import os
import time
from pathlib import Path

import pytest
from test_libpcap_scripts import download
from test_live import live, transfer


@live
def test_download_of_50_megabytes(tmp_path: Path) -> None:
    download(tmp_path, 50_000_000)


@live
def test_a_transfer_arrives_whole_or_its_drops_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    megabytes, began, before = int(os.environ.get("MEGABYTES", "1024")), time.monotonic(), time.process_time()
    found = transfer(megabytes)
    spent = f"{time.monotonic() - began:.1f} s, {time.process_time() - before:.1f} s of CPU with both ends of the transfer"
    with capsys.disabled():
        print(f"\n{megabytes} MiB over loopback: {spent}, {found.received:,} packets, {found.dropped:,} dropped")
