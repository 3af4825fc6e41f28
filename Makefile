# make bench   measure this kernel (sets everything up first); options: make bench ARGS="--quick"
# make test    all tests
# make lint    types, lint, formats, C warnings as errors, cross build
# make docs    regenerate docs/reference and the list of commands in README.md from the program
# make records measure the records of docs/results again (root, a quiet machine); only one: make records ARGS=heap
# make compare-jvm  the heap's modes beside HotSpot's collectors, five minutes (needs a JDK); ARGS="--rounds 3"
# make man     manual pages of all commands, into build/man
# make lock    pin the requirements of pyproject.toml again, with hashes (needs uv)
# make stubs   regenerate gcproto/_native.pyi from the declarations in native/
# make check-asan   the C tests of the heap under the address and undefined-behaviour sanitizers, in all combinations
# make check-tsan   the same under ThreadSanitizer; ARGS=7 runs each seventh combination
# make gcprobe the engine as a static program, for guests without Python; gcprobe-arm64: the same for arm64

VENV ?= .venv
CC ?= cc
ARGS ?=
comma := ,
ROOMS := base uffd paths paths/source heap heap/window heap/compaction trial contract hazards hazards/stress probe
NATIVE := $(foreach room,$(ROOMS),$(wildcard native/$(room)/*.c native/$(room)/*.h))
GUEST := $(wildcard native/guest/*.c native/guest/*.h)
PROFILE := $(wildcard native/profile/*.c native/profile/*.h)
INCLUDE := -Inative
C_FILES := $(filter %.c,$(NATIVE))
BUILD := $(wildcard native/build/*.py)
C_WARNINGS := -std=gnu11 -Wall -Wextra -Wconversion -Werror
EACH = printf '%s\n' $(1) | xargs -P $$(nproc) -n 1

.PHONY: bench test lint docs man records compare-jvm lock stubs format gcprobe gcprobe-arm64 check-c check-asan check-tsan clean

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
	    $(call EACH,$(C_FILES) $(filter %.c,$(GUEST))) $$compiler $(C_WARNINGS) -O2 $(INCLUDE) -o /dev/null -c || exit 1; \
	done
	@for api in 1 2 3; do \
	    $(CC) $(C_WARNINGS) -O2 -fPIC -DQEMU_API=$$api $(INCLUDE) -c native/profile/gcprof.c -o /dev/null || exit 1; \
	done

# ThreadSanitizer's shadow memory does not fit beside mappings at addresses that are too random: setarch -R.
THREADED := test_window test_compaction
HEAP := $(filter native/base/%.c native/uffd/%.c native/heap/%.c,$(C_FILES))
SANITIZE = mkdir -p build/sanitized && $(call EACH,$(THREADED)) sh -c '$(CC) -std=gnu11 -g -O1 $(1) -pthread $(INCLUDE) \
    native/tests/$$0.c $(HEAP) -o build/sanitized/$$0'
check-asan: $(NATIVE)
	$(call SANITIZE,-fsanitize=address$(comma)undefined -fno-sanitize-recover=all)
	set -e; for program in $(THREADED); do build/sanitized/$$program $(ARGS); done

check-tsan: $(NATIVE)
	$(call SANITIZE,-fsanitize=thread)
	set -e; for program in $(THREADED); do setarch -R build/sanitized/$$program $(ARGS); done

# The definitions that code_hash.py prints are quoted for a shell.
define STATIC_PROGRAM
rm -rf build/$@ && mkdir -p build/$@
HASHED="$$(python3 native/build/code_hash.py)"; export HASHED; $(call EACH,$(C_FILES)) sh -c \
    'eval $(1) "$$HASHED" $(C_WARNINGS) -O2 -g $(INCLUDE) -pthread -c $$0 -o build/$@/$$(echo $$0 | tr / -).o'
$(1) -static -pthread build/$@/*.o -o $@
endef

gcprobe: $(NATIVE)
	$(call STATIC_PROGRAM,$(CC))

gcprobe-arm64: $(NATIVE)
	$(call STATIC_PROGRAM,aarch64-linux-gnu-gcc)

clean:
	rm -rf build gcproto/_native.c gcproto/*.so gcprobe gcprobe-arm64 $(VENV)
