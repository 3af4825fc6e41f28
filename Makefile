# make bench   measure this kernel (sets everything up first); options: make bench ARGS="--quick"
# make test    all tests
# make lint    types, lint, formats, C warnings as errors, cross build
# make docs    regenerate docs/reference and the list of commands in README.md from the program
# make records measure the records of docs/results again (root, a quiet machine); only one: make records ARGS=heap
# make compare-jvm  the heap's modes beside HotSpot's collectors, five minutes (needs a JDK); ARGS="--rounds 3"
# make man     manual pages of all commands, into build/man
# make lock    pin the requirements of pyproject.toml again, with hashes (needs uv)
# make stubs   regenerate gcproto/_native.pyi from the declarations in native/
# make gcprobe the engine as a static program, for guests without Python; gcprobe-arm64: the same for arm64

VENV ?= .venv
CC ?= cc
ARGS ?=
ROOMS := base uffd paths paths/source heap heap/window heap/compaction trial contract hazards hazards/stress probe
NATIVE := $(foreach room,$(ROOMS),$(wildcard native/$(room)/*.c native/$(room)/*.h))
GUEST := $(wildcard native/guest/*.c native/guest/*.h)
PROFILE := $(wildcard native/profile/*.c native/profile/*.h)
INCLUDE := -Inative
C_FILES := $(filter %.c,$(NATIVE))
BUILD := $(wildcard native/build/*.py)
C_WARNINGS := -std=gnu11 -Wall -Wextra -Wconversion -Werror

.PHONY: bench test lint docs man records compare-jvm lock stubs format gcprobe gcprobe-arm64 check-c check-asan clean

bench: $(VENV)/installed
	$(VENV)/bin/gcproto bench $(ARGS)

test: $(VENV)/installed-dev
	$(VENV)/bin/python -m pytest $(ARGS)

$(VENV)/installed: pyproject.toml setup.py requirements.lock requirements-dev.lock $(BUILD) $(NATIVE)
	.ci/bootstrap $(VENV)
	@touch $@

$(VENV)/installed-dev: pyproject.toml setup.py requirements.lock requirements-dev.lock $(BUILD) $(NATIVE)
	.ci/bootstrap $(VENV) dev
	@touch $@ $(VENV)/installed

lint: $(VENV)/installed-dev check-c
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/python native/build/stubs.py --check
	$(VENV)/bin/mypy
	$(VENV)/bin/clang-format --dry-run --Werror $(NATIVE) $(GUEST) $(PROFILE) $(wildcard native/tests/*.c)

docs: $(VENV)/installed
	$(VENV)/bin/python -m gcproto.cli.reference

records: $(VENV)/installed
	$(VENV)/bin/python -m benchmarks.records $(ARGS)

compare-jvm: $(VENV)/installed
	$(VENV)/bin/python -m benchmarks.jvm $(ARGS)

man: $(VENV)/installed-dev
	$(VENV)/bin/python -m gcproto.cli.man build/man

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header -q --extra build
lock:
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev --extra kcidb --extra dask --extra bench -c requirements.lock -o requirements-dev.lock

stubs: $(VENV)/installed-dev
	$(VENV)/bin/python native/build/stubs.py

format: $(VENV)/installed-dev
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	$(VENV)/bin/clang-format -i $(NATIVE) $(GUEST) $(PROFILE) $(wildcard native/tests/*.c)

# Compile every C file alone, with all warnings as errors, here and for arm64 if its compiler is available.
check-c:
	@for compiler in $(CC) $$(command -v aarch64-linux-gnu-gcc); do \
	    for file in $(C_FILES) $(filter %.c,$(GUEST)); do \
	        $$compiler $(C_WARNINGS) -O2 $(INCLUDE) -c $$file -o /dev/null || exit 1; \
	    done; \
	done
	@for api in 1 2 3; do \
	    $(CC) $(C_WARNINGS) -O2 -fPIC -DQEMU_API=$$api $(INCLUDE) -c native/profile/gcprof.c -o /dev/null || exit 1; \
	done

gcprobe: $(NATIVE)
	eval $(CC) $$(python3 native/build/code_hash.py) $(C_WARNINGS) -O2 -g -static $(INCLUDE) -o $@ $(C_FILES) -pthread

gcprobe-arm64: $(NATIVE)
	eval aarch64-linux-gnu-gcc $$(python3 native/build/code_hash.py) $(C_WARNINGS) -O2 -g -static $(INCLUDE) -o $@ $(C_FILES) -pthread

clean:
	rm -rf build gcproto/_native.c gcproto/*.so gcprobe gcprobe-arm64 $(VENV)
