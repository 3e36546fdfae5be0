"""Chooses the form of gofollow._core, and of what is compiled with it, before anything imports them."""

import os
import sys

_WANTED = os.environ.get("GOFOLLOW_CORE", "")

if _WANTED not in ("", "compiled", "python"):
    raise ImportError(f"the environment variable GOFOLLOW_CORE is {_WANTED!r}: it must be 'compiled' or 'python', or not set")
if _WANTED == "python":
    import importlib.util

    for _name in ("_payload", "_stream", "_core", "_gather", "_rows", "_jobs"):  # all of one form
        _spec = importlib.util.spec_from_file_location(f"gofollow.{_name}", os.path.join(os.path.dirname(__file__), f"{_name}.py"))
        assert _spec is not None
        assert _spec.loader is not None
        sys.modules[_spec.name] = _module = importlib.util.module_from_spec(_spec)
        try:
            _spec.loader.exec_module(_module)
        except BaseException:
            del sys.modules[_spec.name]
            raise

from . import _core  # noqa: E402

core = "python" if str(_core.__file__).endswith(".py") else "compiled"
if _WANTED == "compiled" != core:
    raise ImportError(
        "GOFOLLOW_CORE is 'compiled', but the core was not compiled here: install gofollow from a wheel that has it, "
        "or again where there is a C compiler and Python's headers"
    )
