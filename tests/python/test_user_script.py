"""A user's script that uses all of the package: it runs, and leaves no public name out. mypy reads it in `make lint`."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import user_script

import gofollow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["capture_loss.pcap", "several.pcap", "urgent.pcap"])
def test_it_runs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    user_script.main(ROOT / "tests" / "data" / name, tmp_path)
    said = capsys.readouterr().out
    assert f" {gofollow.core} " in said
    assert "opened" in said


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are notes, and no capture")
    for path, words in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (tmp_path / "notes.txt", "not a capture")):
        with pytest.raises(SystemExit, match=words):
            user_script.carefully(path)
    whole = (ROOT / "tests" / "data" / "several.pcap").read_bytes()
    (tmp_path / "cut.pcap").write_bytes(whole[:-5])
    assert user_script.carefully(tmp_path / "cut.pcap") == []


def test_it_uses_every_public_name() -> None:
    text = Path(user_script.__file__).read_text(encoding="utf-8")
    assert [name for name in gofollow.__all__ if not re.search(rf"\b{name}\b", text)] == []
    assert set(gofollow.__all__) >= set(gofollow.errors.__all__)


def test_mypy_passes_it(tmp_path: Path) -> None:
    """As a user has it: with the package that is installed, whose types it comes with."""
    pytest.importorskip("mypy", reason="mypy is not there: the types of a user's script are not checked")
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), user_script.__file__]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
