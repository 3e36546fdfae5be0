"""Builds the Python distribution: the engine as a shared library in the package, its declarations, and the compiled core.

    pip install .                         everything, as a wheel cp310-abi3-PLATFORM
    python setup.py develop_native        only what is built of python/gofollow, in place: PYTHONPATH=python then works

Where the core cannot be compiled (no headers of Python, no Cython, no CPython with a GIL) the wheel
is py3-none-PLATFORM, the core runs as plain Python, and a sentence says so. GOFOLLOW_CORE=python
asks for that.

CC, GOARCH and _PYTHON_HOST_PLATFORM (linux-aarch64) build for another processor: tools/wheels.py.

The rest of the metadata stands in pyproject.toml, the version in gofollow/version.go.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Command, Distribution, Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist
from setuptools.errors import CCompilerError, ExecError, PlatformError

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:  # setuptools before 70.1
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parent
PACKAGE = ROOT / "python" / "gofollow"
LIBRARY = "libgofollow.so"
DECLARATIONS = "_ffi.py"
NOTICES = "THIRD-PARTY-NOTICES.txt"  # the licences of what the library contains; capi/build.sh writes it beside that


def version() -> str:
    source = (ROOT / "gofollow" / "version.go").read_text(encoding="utf-8")
    found = re.search(r'^const Version = "([^"]+)"', source, re.MULTILINE)
    if found is None:
        raise SystemExit('gofollow/version.go has no line: const Version = "..."')
    return found.group(1)


def build_native(folder: Path) -> None:
    """Write the shared library, its notices and the declarations to the folder."""
    go = os.environ.get("GO", "go")
    if shutil.which(go) is None:
        raise ExecError(f"building gofollow needs Go 1.24 or later, and there is no '{go}' on PATH: install Go, or set GO")
    compilers = [os.environ["CC"].split()[0]] if os.environ.get("CC") else ["gcc", "cc", "clang"]
    if not any(shutil.which(compiler) for compiler in compilers):
        raise ExecError(f"building gofollow needs a C compiler, and there is no {' or '.join(compilers)} on PATH: install one, or set CC")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(["sh", str(ROOT / "capi" / "build.sh"), "--plain", str((folder / LIBRARY).resolve())], cwd=ROOT, check=True)
    except subprocess.CalledProcessError as error:
        raise ExecError(f"capi/build.sh failed with exit code {error.returncode}; its messages stand above") from None
    spec = importlib.util.spec_from_file_location("_cdef", PACKAGE / "_cdef.py")
    assert spec is not None
    assert spec.loader is not None
    cdef = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cdef)
    cdef.write_ffi_module(ROOT / "capi" / "gofollow.h", folder / DECLARATIONS)


class Build(build):
    """Begins with an empty build/lib.*: what an earlier build left there would go into the wheel and decide its tag."""

    def run(self) -> None:
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class SourceDistribution(sdist):
    """Adds what building needs where there is no network and no git: Go's modules and the commit."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        super().make_release_tree(base_dir, files)
        tree = Path(base_dir)
        if not (tree / "vendor").exists():
            subprocess.run([os.environ.get("GO", "go"), "mod", "vendor", "-o", str((tree / "vendor").resolve())], cwd=ROOT, check=True)
        found = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
        if found.returncode == 0:
            (tree / "COMMIT").write_text(found.stdout, encoding="ascii")


class BuildPy(build_py):
    """Copies the Python files and builds the native ones beside them, in the source tree for an editable installation."""

    def run(self) -> None:
        if self.editable_mode:
            build_native(PACKAGE)
        super().run()
        if not self.editable_mode:
            build_native(Path(self.build_lib) / "gofollow")

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        outputs = super().get_outputs(include_bytecode)
        made = [str(Path(self.build_lib) / "gofollow" / name) for name in (LIBRARY, NOTICES, DECLARATIONS)]
        return outputs + [name for name in made if name not in outputs]

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        # Left in the tree by develop_native; made afresh for this platform instead.
        return [module for module in super().find_package_modules(package, package_dir) if Path(module[2]).name != DECLARATIONS]

    def find_data_files(self, package: str, src_dir: str) -> list[str]:
        return [name for name in super().find_data_files(package, src_dir) if Path(name).suffix != ".so"]


# Flags of code objects, as inspect has them. The start of a module that Cython made for the limited
# API imports inspect for them, which takes longer than importing all of gofollow.
CODE_FLAGS = {
    "CO_OPTIMIZED": "1",
    "CO_NEWLOCALS": "2",
    "CO_VARARGS": "4",
    "CO_VARKEYWORDS": "8",
    "CO_GENERATOR": "0x20",
    "CO_COROUTINE": "0x80",
    "CO_ASYNC_GENERATOR": "0x200",
}


def without_inspect(source: Path) -> None:
    """Take the import of inspect out of what Cython made."""
    text = source.read_text(encoding="utf-8")
    changed = text.replace('PyImport_ImportModule("inspect")', "Py_NewRef(Py_None)")
    if changed != text:
        source.write_text(changed, encoding="utf-8")


def why_not_compiled() -> str | None:
    """Return why the core cannot be compiled here, None if it can."""
    if os.environ.get("GOFOLLOW_CORE") == "python":
        return "GOFOLLOW_CORE is 'python'"
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "this Python has no stable C interface: it is no CPython, or one without a GIL"
    if not any((Path(sysconfig.get_path(name)) / "Python.h").exists() for name in ("include", "platinclude")):
        return f"there is no Python.h in {sysconfig.get_path('include')}: install Python's headers (Debian: python3-dev)"
    if importlib.util.find_spec("Cython") is None:
        return "Cython is not installed: pip install 'cython>=3.1'"
    return None


class BuildCore(build_ext):
    """Compiles the modules that have types for Cython for every CPython from 3.10 on, where that is possible."""

    def finalize_options(self) -> None:
        self.why_not = why_not_compiled()
        if self.why_not is None:
            from Cython.Build import cythonize

            extensions = [
                Extension(
                    name,
                    [f"python/{name.replace('.', '/')}.py"],
                    include_dirs=["capi"],
                    define_macros=[("Py_LIMITED_API", "0x030a0000"), *CODE_FLAGS.items()],
                    extra_compile_args=["-O2", "-g0", "-Werror=implicit-function-declaration", "-Wno-unused-function"],
                    py_limited_api=True,
                )
                for name in (
                    *("gofollow._payload", "gofollow._stream", "gofollow._core", "gofollow._gather", "gofollow._rows", "gofollow._jobs"),
                    "cycapture.libtins._sound",
                )
            ]
            made = ROOT / "build" / "cython"
            self.distribution.ext_modules = cythonize(extensions, build_dir=str(made), include_path=["python"], quiet=True)
            for extension in self.distribution.ext_modules:
                without_inspect(Path(extension.sources[0]))
        super().finalize_options()

    def run(self) -> None:
        try:
            if self.why_not is None:
                super().run()
        except (CCompilerError, ExecError, PlatformError) as error:
            self.why_not = str(error)
        if self.why_not is not None:
            print(f"gofollow: the core is not compiled and will run as plain Python, which is slower: {self.why_not}", file=sys.stderr)


class DevelopNative(Command):
    description = "build the shared library, its declarations and the compiled core into python/gofollow"
    user_options: list[tuple[str, str | None, str]] = []

    def initialize_options(self) -> None:
        pass

    def finalize_options(self) -> None:
        pass

    def run(self) -> None:
        build_native(PACKAGE)
        core = self.get_finalized_command("build_ext")
        core.inplace = True
        core.run()


class PlatformWheel(bdist_wheel):
    """cp310-abi3-PLATFORM with the compiled core; py3-none-PLATFORM, for any Python, without."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self) -> tuple[str, str, str]:
        _, _, platform = super().get_tag()
        built = Path(self.get_finalized_command("build").build_lib) / "gofollow"
        compiled = any(path.suffix in (".so", ".pyd") for path in built.glob("_core*"))
        return ("cp310", "abi3", platform) if compiled else ("py3", "none", platform)


class NativeDistribution(Distribution):
    """Makes installers use the platform's folder, as for any package with native code."""

    def has_ext_modules(self) -> bool:
        return True


setup(
    version=version(),
    distclass=NativeDistribution,
    cmdclass={
        "build": Build,
        "build_ext": BuildCore,
        "build_py": BuildPy,
        "bdist_wheel": PlatformWheel,
        "develop_native": DevelopNative,
        "sdist": SourceDistribution,
    },
)
