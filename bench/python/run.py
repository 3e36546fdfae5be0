"""Runs a follower written in Python, or used from it, as bench/go/harness says: [-sums] [-once] MODE FILE, or -about."""

import argparse
import gc
import importlib
import os
import platform
import sys
import sysconfig
import time
from importlib import metadata

import report

# The modules that have the modes, as functions whose names are the modes' with _ for -. Only the one asked for is imported.
_MODULES = dict.fromkeys(("scapy", "dpkt", "dpkt-script", "pyshark", "tcpflow", "tshark"), "peers")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-about", action="store_true", help="say what runs here")
    parser.add_argument("-sums", action="store_true", help="print what every connection said")
    parser.add_argument("-once", action="store_true", help="do not warm up")
    parser.add_argument("mode", nargs="?")
    parser.add_argument("file", nargs="?")
    arguments = parser.parse_intermixed_args()
    if arguments.about:
        about()
        return
    if arguments.mode.endswith("-plain"):
        os.environ["GOFOLLOW_CORE"] = "python"
    module = importlib.import_module(_MODULES.get(arguments.mode, "ours"))
    # Reads what is to be had before the clock runs, and returns what is on the clock.
    prepare = getattr(module, arguments.mode.replace("-", "_"))
    if arguments.sums:
        sides = report.Report()
        prepare(arguments.file)(sides)
        sides.print()
        return
    if not arguments.once:
        prepare(arguments.file)(None)
    run = prepare(arguments.file)
    gc.collect()
    began, used = time.perf_counter(), report.processor_time()
    delivered = run(None)
    seconds, used = time.perf_counter() - began, report.processor_time() - used
    print(f"{seconds:.6f} {used:.6f} {delivered} {report.peak_memory()}")


def about() -> None:
    versions = []
    for name in ("gofollow", "cffi", "dpkt", "scapy", "pyshark"):
        try:
            versions.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            versions.append(f"no {name}")
    flags = " ".join(flag for flag in (sysconfig.get_config_var("CFLAGS") or "").split() if flag.startswith("-O"))
    python = f"{platform.python_implementation()} {platform.python_version()}, compiled with {flags or 'unknown flags'}"
    print(f"{python}; {', '.join(versions)}; {sys.executable}")


if __name__ == "__main__":
    main()
