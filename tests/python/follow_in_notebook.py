"""The progress bar and the reprs in the cells of a notebook, run by a kernel of its own: tools/test-more.sh runs it where nbclient is."""

from typing import Any

import pytest
from frames import pcap_of
from test_sources import rows_of

nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")

CELL = """
import threading
from gofollow import afollow, follow

found = []
for stream in follow("a.pcap", progress=True):
    found.append(stream)
found[0]
"""
IN_A_THREAD = """
thread = threading.Thread(target=lambda: found.extend(follow("a.pcap", progress=True)))
thread.start()
thread.join()
print(len(found))
"""
IN_THE_LOOP = """
print(len([stream async for stream in afollow("a.pcap")]))
"""




@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[list[Any]]:
    """The outputs of each cell, as a reader of the notebook has them."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "a.pcap").write_bytes(pcap_of(rows_of()))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (CELL, IN_A_THREAD, IN_THE_LOOP)])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return [cell.outputs for cell in notebook.cells]


def test_a_bar_and_a_stream(cells: list[list[Any]]) -> None:
    bar, stream = cells[0]
    assert bar.output_type == "display_data"
    assert "━━━" in bar.data["text/plain"]
    assert "48 packets" in bar.data["text/plain"]
    assert stream.data["text/plain"] == "<TCPStream 0 10.0.0.1:4000 -> 10.0.0.2:80 closed by fin, 50 + 40 bytes>"
    assert "<pre>question 0</pre>" in stream.data["text/html"]


def test_a_thread(cells: list[list[Any]]) -> None:
    bar, printed = cells[1]
    assert "48 packets" in bar.data["text/plain"]
    assert printed.text == "6\n"


def test_the_kernels_event_loop(cells: list[list[Any]]) -> None:
    (printed,) = cells[2]
    assert printed.text == "3\n"
