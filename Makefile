# Build, test and install gofollow. `make` or `make help` lists the targets.
#
# Needed: Go 1.24, Python 3.10 with venv, a C compiler, make. What else Python
# needs is put into build/venv; nothing outside build/ and the caches of Go and
# pip is touched, except by install, record, golden and profile.

SHELL   := /bin/bash
GO      ?= go
PYTHON  ?= python3
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=

BUILD   := build
VENV    := $(BUILD)/venv
PY      := $(VENV)/bin/python
LIB     := $(BUILD)/lib

GO_SOURCES     := go.mod go.sum $(shell find gofollow capi -name '*.go' ! -name '*_test.go')
NATIVE_SOURCES := $(GO_SOURCES) $(shell find capi -type f ! -name '*.go')
PYTHON_SOURCES := setup.py pyproject.toml README.md $(wildcard MANIFEST.in) $(shell find python -name '*.py' ! -name _ffi.py -o -name '*.pxd' -o -name py.typed -o -path '*/report/*.*')

# Pinned, so that a new release of a checker changes nothing here by itself.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# How long `make fuzz` gives each fuzz target.
FUZZTIME ?= 20s

# The tests are run from outside the tree's python/, so that they see what is installed.
PYTEST = cd $(BUILD) && venv/bin/python -m pytest -c ../pyproject.toml --rootdir .. -p no:cacheprovider

.PHONY: help demo build test test-go test-c test-py test-resources random-calls test-more test-full lint docs pictures bench bench-others bench-scale bench-interrupts bench-pauses bench-spark install uninstall dist clean record golden profile fuzz mutants random venv wheels test-wheels abi-check abi-record

help:
	@echo 'make demo       build everything and follow a capture'
	@echo 'make test       the tests: Go, C, Python'
	@echo 'make test-go    test-c    test-py     one of them'
	@echo 'make test-resources  loads that are made to cost much, each within its bounds of memory and steps'
	@echo 'make test-more  what needs more: race detector, sanitizer, tshark (tools/packages.txt)'
	@echo 'make test-full  the tests, and test-more'
	@echo 'make lint       formatters, vet, staticcheck, C warnings, ruff, cython-lint, mypy'
	@echo 'make fuzz       every fuzz target for FUZZTIME=$(FUZZTIME)'
	@echo 'make fuzz-corpus  keep few inputs that fuzzing found, for all that they reach'
	@echo 'make mutants    break the engine in some four hundred places: each must fail a test (a quarter of an hour)'
	@echo 'make random-calls  SEQUENCES=10000 sequences of random calls of the C library, from SEED=1 on, under sanitizers'
	@echo 'make random     follow RUNS=100000 random captures'
	@echo 'make docs       the documentation site in $(BUILD)/site'
	@echo 'make pictures   make the pictures of README and docs again (Chromium)'
	@echo 'make bench      measure against other followers: RUNS=n ONLY=rows WORKLOADS=names CPU=1 (bench/README.md)'
	@echo 'make bench-others  measure the comparison of README: tshark, tcpflow, scapy, pyshark, dpkt, libtins, gopacket: RUNS=n'
	@echo 'make bench-command  measure whole processes of the command: RUNS=n'
	@echo 'make bench-threads  measure how far followers in threads of one Python process run in parallel: RUNS=n'
	@echo 'make bench-scale  show how time and memory grow with connections and packets'
	@echo 'make bench-interrupts  measure how soon Ctrl-C ends a call: RUNS=n'
	@echo 'make bench-pauses  measure how long afollow keeps other tasks of an event loop waiting: RUNS=n'
	@echo 'make bench-spark  measure tables made by Spark against one process'
	@echo 'make build      the C library in $(LIB)'
	@echo 'make install    the C library: PREFIX=$(PREFIX) LIBDIR=$(LIBDIR) DESTDIR=$(DESTDIR); make uninstall takes it away'
	@echo 'make dist       the source distribution and the wheel in dist/'
	@echo 'make wheels     the wheels for Linux in dist/: ARCH="x86_64 aarch64"'
	@echo 'make test-wheels  install each wheel and run the tests, for every Python that is found: PYTHONS=names'
	@echo 'make cross      compile the C library for Windows and macOS with zig'
	@echo 'make pythons    unpack CPython 3.14 and 3.15, PyPy and a Python for aarch64 of Debian in $(BUILD)/pythons, for test-wheels'
	@echo 'make abi-check  compare the binary interface of the C library with what is recorded; make abi-record records it'
	@echo 'make record     record the captures of tests/data again (Linux, root)'
	@echo 'make golden     write the expected event logs of tests/data'
	@echo 'make profile    write the profile by which the C library is compiled'
	@echo 'make screens    pictures of the screens of the command, in $(BUILD)/screens'
	@echo 'make man        write the manual page of the command, docs/gofollow.1'
	@echo 'make clean      remove what was built'

demo: $(BUILD)/installed
	@echo
	@echo '$$ gofollow tests/data/several.pcap'
	@$(VENV)/bin/gofollow tests/data/several.pcap
	@echo
	@echo '$$ gofollow tests/data/capture_loss.pcap'
	@$(VENV)/bin/gofollow tests/data/capture_loss.pcap
	@echo
	@echo 'More: $(VENV)/bin/gofollow --help, and README.md'

# The C library.

build: $(LIB)/.built

$(LIB)/.built: $(NATIVE_SOURCES)
	@mkdir -p $(LIB)
	capi/build.sh $(LIB)
	@touch $@

install: build
	capi/install.sh $(LIB) 'PREFIX=$(PREFIX)' 'LIBDIR=$(LIBDIR)' 'DESTDIR=$(DESTDIR)'

uninstall:
	capi/install.sh $(LIB) 'PREFIX=$(PREFIX)' 'LIBDIR=$(LIBDIR)' 'DESTDIR=$(DESTDIR)' --uninstall

# The distributions: CONTRIBUTING.md, "A release".

dist: $(VENV)/.ready
	$(PY) -m build --no-isolation

# The wheels: docs/wheels.md.

$(BUILD)/release/.ready: tools/requirements-dev.txt tools/requirements-wheels.txt
	$(PYTHON) -m venv $(BUILD)/release
	$(BUILD)/release/bin/python -m pip install --quiet --disable-pip-version-check -r tools/requirements-wheels.txt -c tools/requirements-dev.txt
	@touch $@

wheels: $(BUILD)/release/.ready
	$(BUILD)/release/bin/python tools/wheels.py $(addprefix --arch ,$(ARCH))

# Each wheel in an environment of its own: PYTHONS="python3.10 pypy3" names interpreters, all that are found by default.
# TESTS=whole runs all tests with each, TESTS=following those that follow captures.
test-wheels: $(BUILD)/release/.ready
	$(BUILD)/release/bin/python tools/test_wheels.py $(if $(TESTS),--tests $(TESTS)) $(PYTHONS)

# The C library for Windows and macOS, as far as it can be compiled on Linux.
.PHONY: cross
cross: $(BUILD)/release/.ready
	capi/cross.sh $(BUILD)/cross $(CURDIR)/$(BUILD)/release/bin/python -m ziglang

# Debian's newest Pythons, for test-wheels.
.PHONY: pythons
pythons: $(BUILD)/release/.ready
	$(BUILD)/release/bin/python tools/pythons.py

# The binary interface of the C library, against what is recorded in capi/abi.txt.
abi-check: $(VENV)/.ready
	$(PY) tools/abi.py check

abi-record: $(VENV)/.ready
	$(PY) tools/abi.py record

# The Python package: a wheel, installed into a virtual environment.

venv: $(VENV)/.ready

$(VENV)/.ready: tools/requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -r tools/requirements-dev.txt
	@touch $@

$(BUILD)/installed: $(VENV)/.ready $(NATIVE_SOURCES) $(PYTHON_SOURCES)
	@rm -rf $(BUILD)/wheel
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir $(BUILD)/wheel .
	$(PY) -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps $(BUILD)/wheel/gofollow-*.whl
	@touch $@

# Tests.

test: test-go test-c test-py
	@$(MAKE) --no-print-directory test-resources LOADS=-short

test-go:
	$(GO) vet ./...
	$(GO) test ./...

test-c: build
	tests/c/run.sh $(LIB)
	tests/c/installed.sh $(LIB)

# What follows is tested with both forms of the core: compiled, where it is, and as plain Python.
CORE_TESTS := $(addprefix ../tests/python/test_,$(addsuffix .py,async choosing core cycapture_follower cycapture_payload \
	files follower golden live snapshots sources stop tables turns whole_streams))

test-py: $(BUILD)/installed
	$(PYTEST) ../tests/python
	export GOFOLLOW_CORE=python; $(PYTEST) $(CORE_TESTS)

# Each load that is made to cost much, and what it costs: memory, and statements of the engine for
# each packet. LOADS=-short makes the loads smaller.
test-resources:
	@set -o pipefail; $(GO) test -count=1 $(LOADS) -covermode=count -coverpkg=./gofollow/... -run '^TestLoads$$' -v ./gofollow \
	| sed -n -e 's/^ *loads_test.go:[0-9]*: //p' -e '/FAIL/p'

# Random calls of the C library's functions under sanitizers, from SEED on.
random-calls: build
	SEED=$(or $(SEED),1) SEQUENCES=$(or $(SEQUENCES),10000) tests/c/asan.sh $(LIB)

test-more: build $(BUILD)/installed
	tools/test-more.sh $(LIB) $(VENV)

test-full: test test-more

lint: $(VENV)/.ready
	@unformatted="$$(gofmt -l gofollow capi bench tools)"; \
	if [ -n "$$unformatted" ]; then echo "gofmt -w is needed for:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	capi/lint.sh
	$(PY) tools/abi.py check
	$(VENV)/bin/ruff check .
	PATH=$(VENV)/bin:$$PATH cython-lint --max-line-length 140 python/gofollow/_*.pxd python/cycapture/libtins/_sound.pxd --ignore E301 E302
	$(VENV)/bin/mypy --strict python/gofollow python/cycapture
	$(VENV)/bin/mypy --strict --follow-imports=silent tools/record*.py tools/docs.py tools/pictures.py tools/compare_tshark.py tools/mutants.py tools/fuzz_corpus.py tools/wheels.py tools/test_wheels.py tools/pythons.py tools/abi.py
	$(VENV)/bin/mypy --strict --follow-imports=silent tests/python/*.py
	MYPYPATH=bench/python $(VENV)/bin/mypy --strict --follow-imports=silent bench/python/*.py
	@if command -v shellcheck >/dev/null; then echo shellcheck; shellcheck .ci/run $$(find tools capi tests bench -name '*.sh'); \
	else echo 'shellcheck is not there: shell scripts are not checked'; fi

fuzz:
	tools/fuzz.sh $(FUZZTIME)

.PHONY: fuzz-corpus
fuzz-corpus:
	$(PYTHON) tools/fuzz_corpus.py

mutants:
	$(PYTHON) tools/mutants.py

random:
	GOFOLLOW_RUNS=$(or $(RUNS),100000) $(GO) test -timeout 12h -run 'Random|Changed|Cut|Dropped|Sharded|Split|Swapped' ./gofollow

bench: build $(BUILD)/installed
	bench/run.sh $(LIB) -runs $(or $(RUNS),11) -only '$(ONLY)' -workloads '$(WORKLOADS)' $(if $(CPU),-cpu)

# The comparison of README, on the workloads messy and messy20k.
OTHERS := go tcpassembly reassembly c libtins libtins-new py-follow dpkt-script scapy pyshark extract tcpflow tshark

bench-others: build $(BUILD)/installed
	$(PY) -m pip install --quiet --disable-pip-version-check pyshark==0.6
	bench/run.sh $(LIB) -runs $(or $(RUNS),3) -alone -only '$(OTHERS)' -workloads messy,messy20k $(if $(CPU),-cpu)

bench-scale: build
	bench/run.sh $(LIB) -scale -runs $(or $(RUNS),3) -only '$(ONLY)' $(if $(CPU),-cpu)

# How soon Ctrl-C ends a call that reads a capture.
bench-interrupts: $(BUILD)/installed
	$(PY) bench/python/interrupts.py $(or $(RUNS),20)

# How long following in an event loop keeps its other tasks waiting.
bench-pauses: $(BUILD)/installed
	@mkdir -p $(BUILD)/bench
	$(GO) run ./bench/generate -dir $(BUILD)/bench bulk web
	for name in bulk web; do $(PY) bench/python/pauses.py $(BUILD)/bench/$$name.pcap $(or $(RUNS),11); done

# Tables made by Spark beside those of one process: needs Java and pyspark (docs/spark.md). WORKLOADS names one.
bench-spark: build $(BUILD)/installed
	@mkdir -p $(BUILD)/bench
	$(GO) run ./bench/generate -dir $(BUILD)/bench $(or $(WORKLOADS),web200k)
	$(PY) bench/python/on_spark.py $(BUILD)/bench/$(or $(WORKLOADS),web200k).pcap

# The pictures that README and docs show.

pictures: $(BUILD)/installed
	$(PY) tools/pictures.py

# The documentation site. Broken links and warnings are errors.

docs: $(BUILD)/installed
	$(PY) -m pip install --quiet --disable-pip-version-check -r tools/requirements-docs.txt
	$(PY) tools/docs.py $(BUILD)

# The test data.

record:
	$(PYTHON) tools/record.py

golden:
	$(GO) test ./gofollow -run TestGolden -update

profile:
	tools/profile.sh

clean:
	rm -rf $(BUILD) dist *.egg-info python/*.egg-info python/gofollow/*.so python/cycapture/libtins/*.so python/gofollow/_ffi.py python/gofollow/THIRD-PARTY-NOTICES.txt
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The command's manual page, made from its own help.
.PHONY: man
man: $(BUILD)/installed
	$(PY) tools/manpage.py > $(BUILD)/gofollow.1 && mv $(BUILD)/gofollow.1 docs/gofollow.1

# Pictures of the command's screens, in build/screens.
.PHONY: screens
screens: $(BUILD)/installed
	$(PY) tools/screens.py $(BUILD)/screens $(or $(COLUMNS),80 160)

# Followers in several threads of one Python process.
.PHONY: bench-threads
bench-threads: $(BUILD)/installed
	$(GO) build -o $(BUILD)/bench/generate ./bench/generate
	$(BUILD)/bench/generate -dir $(BUILD)/bench web
	$(PY) bench/python/threads.py $(BUILD)/bench/web.pcap $(or $(RUNS),5)

# Whole processes of the command against others.
.PHONY: bench-command
bench-command: $(BUILD)/installed
	$(GO) build -o $(BUILD)/bench/generate ./bench/generate
	$(BUILD)/bench/generate -dir $(BUILD)/bench web web20k
	$(PY) bench/python/command.py $(BUILD)/bench/web.pcap $(or $(RUNS),5) $(BUILD)/bench/web20k.pcap
