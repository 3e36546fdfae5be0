"""What a distribution has to carry besides code."""

import re
from importlib.resources import files

import gofollow


def test_the_notices_of_everything_linked_in_are_installed() -> None:
    package = files(gofollow)
    library = (package / "libgofollow.so").read_bytes()
    # Go's linker leaves this list in every program, for `go version -m`.
    linked = re.findall(rb"^dep\t(\S+)\t(\S+)", library, re.MULTILINE)
    assert linked
    notices = (package / "THIRD-PARTY-NOTICES.txt").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^==== (.*)\n((?:(?!==== ).*\n)*)", notices, re.MULTILINE))
    assert sum(name.startswith("Go 1.") for name in sections) == 1
    assert {f"{path.decode()} {version.decode()}" for path, version in linked} < set(sections)
    for name, text in sections.items():
        assert "opyright" in text, name


def test_what_the_library_was_built_from_is_in_its_file_too() -> None:
    library = (files(gofollow) / "libgofollow.so").read_bytes()
    info = gofollow.build_info()
    assert re.fullmatch(r"gofollow \S+ \(commit \w+\+?, go1\.\S+, linux/\w+\)", info)
    assert info.split()[1] == gofollow.__version__
    assert info.encode() in library
