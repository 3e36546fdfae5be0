"""Takes pictures of the command's screens: tools/screens.py FOLDER [COLUMNS ...].

Each is the output on a terminal of that width, on a dark and on a light background, as SVG, and as
PNG where rsvg-convert is installed. The captures are those of tests/data.
"""

import io
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "python"))

from command import screen  # noqa: E402

SCREENS = {
    "list": ["tests/data/several.pcap", "tests/data/capture_loss.pcap", "tests/data/refused.pcap", "tests/data/midstream.pcap"],
    "show": ["show", "--no-pager", "tests/data/several.pcap", "5"],
    "gaps": ["show", "--no-pager", "--server", "tests/data/snaplen96.pcap", "0"],
    "hex": ["show", "--no-pager", "--hex", "tests/data/several.pcap", "5"],
    "find": ["find", "tests/data/several.pcap", "text/[0-9]+|Best|line 1:"],
    "stats": ["stats", "tests/data/capture_loss.pcap"],
    "live": ["live", "tests/data/several.pcap"],
}
MOST = 40  # lines of a picture


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for columns in map(int, sys.argv[2:] or ("80", "160")):
        for name, words in SCREENS.items():
            shown = screen(*words, columns=columns, lines=60).out.replace("\r\x1b[K", "\n")
            lines = [line for line in shown.splitlines() if line.strip() or name == "show"]
            title = "gofollow " + " ".join(word for word in words if word != "--no-pager")
            for background, theme in (("dark", SVG_EXPORT_THEME), ("light", DEFAULT_TERMINAL_THEME)):
                console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
                console.print(Text.from_ansi("\n".join(lines[:MOST])), soft_wrap=True)
                path = folder / f"{name}-{columns}-{background}.svg"
                picture = console.export_svg(title=title, theme=theme)
                path.write_text(picture.replace("<text ", '<text xml:space="preserve" '), encoding="utf-8")
                if shutil.which("rsvg-convert"):
                    subprocess.run(["rsvg-convert", str(path), "-o", str(path.with_suffix(".png"))], check=True)


if __name__ == "__main__":
    main()
