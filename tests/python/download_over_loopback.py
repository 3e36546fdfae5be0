"""The long one of the tests of live sniffing, which `make test-full` runs as root: a download of 50 MB."""

from pathlib import Path

from test_libpcap_live import live
from test_libpcap_scripts import download


@live
def test_download_of_50_megabytes(tmp_path: Path) -> None:
    download(tmp_path, 50_000_000)
