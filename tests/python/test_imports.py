"""What an import loads, seen by a fresh interpreter: nothing that a program may never need."""

import os
import pickle
import subprocess
import sys

import cycapture.libtins as libtins
import pytest
from cycapture.libtins import Dot11Beacon

UNNEEDED = """
argparse asyncio ctypes dataclasses datetime _decimal decimal importlib.metadata importlib.util ipaddress json logging numbers pathlib
random select selectors socket subprocess tempfile urllib.parse zlib inspect ast dis tokenize
"""
UNNEEDED_BY_LIBTINS = UNNEEDED + """
gofollow
cycapture.libtins._dhcp cycapture.libtins._dns cycapture.libtins._dot11 cycapture.libtins._radiotap cycapture.libtins._sender
"""


def fresh(program: str, *arguments: str) -> str:
    """What the program prints that runs in another interpreter, with the core that an import chooses by itself."""
    environment = {name: value for name, value in os.environ.items() if name != "GOFOLLOW_CORE"}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


@pytest.mark.parametrize(
    ("statement", "unneeded"),
    [
        ("import gofollow", UNNEEDED),
        ("import cycapture.libtins", UNNEEDED_BY_LIBTINS),
        ("from cycapture.libtins import EthernetII, IP, TCP, RAW", UNNEEDED_BY_LIBTINS),
        ("from cycapture.libtins import EthernetII, TCPStreamFollower", UNNEEDED),
    ],
)
def test_an_import_loads_what_it_needs_alone(statement: str, unneeded: str) -> None:
    program = f"import sys\nbefore = set(sys.modules)\n{statement}\nprint(*set(sys.modules) - before)"
    allowed = {"ast"} if sys.version_info >= (3, 14) else set()  # a NamedTuple loads it from there on
    assert sorted(set(fresh(program).split()) & set(unneeded.split()) - allowed) == []


def test_all_names_are_there_before_they_are_asked_for() -> None:
    program = "import cycapture.libtins as m\nprint(*dir(m), '/', *m.__all__)"
    listed, _, public = fresh(program).partition("/")
    assert {*public.split(), "_tins"} <= set(listed.split())
    program = """if True:
        from cycapture.libtins import *
        import cycapture.libtins as m
        print(*(name for name in m.__all__ if globals()[name] is not getattr(m, name)))
        """
    assert fresh(program).split() == []
    with pytest.raises(AttributeError, match="no attribute 'TCQ'"):
        libtins.TCQ  # noqa: B018


@pytest.mark.parametrize("name", [*(names.split()[-1] for names in libtins._LATER.values()), "_tins"])
def test_each_name_is_found_first(name: str) -> None:
    found = fresh("import sys, cycapture.libtins as m\nprint(getattr(getattr(m, sys.argv[1]), '__name__', 0))", name)
    assert found.strip() == getattr(libtins, name).__name__


def test_types_whose_module_is_not_imported_yet() -> None:
    program = """if True:
        from cycapture.libtins import PDU, RAW
        import cycapture.libtins as m
        for searched in (PDU.DOT11_BEACON, "Dot11Beacon", b"dhcp"):
            try:
                RAW(b"x").rfind_pdu(searched)
            except m.PDUNotFound as error:
                print(error)
        """
    assert fresh(program).splitlines() == ["no Dot11Beacon in the PDU"] * 2 + ["no DHCP in the PDU"]
    beacon = Dot11Beacon("00:01:02:03:04:05")
    program = "import sys\nfrom cycapture.libtins import Dot11\nprint(type(Dot11.from_bytes(bytes.fromhex(sys.argv[1]))).__name__)"
    assert fresh(program, beacon.serialize().hex()).strip() == "Dot11Beacon"
    program = "import pickle, sys\nprint(pickle.loads(bytes.fromhex(sys.argv[1])).addr1)"
    assert fresh(program, pickle.dumps(beacon).hex()).strip() == "00:01:02:03:04:05"
