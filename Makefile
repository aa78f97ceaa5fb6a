# The two commands of the README, and those that developers use. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILD := build/dev
# Where Python may not keep what it has compiled, each process that a test starts compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE
# One more than cores, since tests wait for servers, browsers and processes a quarter of their time; each may start a
# browser, so that no more than eight run.
WORKERS := $(shell cores=$$(nproc); echo $$((cores < 8 ? cores + 1 : 8)))
PYTEST := --numprocesses $(WORKERS) --dist worksteal --quiet

.PHONY: help demo test test-all test-levels lint docs docs-test bench golden peers trackers cross device databases cluster sanitized sanitize fuzz format web test-web wheel wheels wheels-twice try-wheels try-source interface-cost release-check clean
.DEFAULT_GOAL := help

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

comma := ,
IMPORTS := numpy,polars,narwhals,safetensors.numpy,rich.console,typer
IMPORTS_OF_TESTS := sklearn.utils.estimator_checks,pandas,matplotlib.pyplot

# The environment, which is made again whenever pyproject.toml changes.
PIP_INSTALL = $(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check
$(VENV)/.made: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) "scikit-build-core>=1.1" "nanobind>=3.1" "cmake>=3.20" ninja
	touch $@

WEB = $(shell find web -name node_modules -prune -o -name dist -prune -o -name build -prune -o -type f -print 2>/dev/null)

# What takes the network and one core is done while the engine is compiled: $(1) has the extras whose packages are
# installed, $(2) the modules that are imported once, so that Python keeps what it compiles, $(3) the settings of CMake.
define INSTALL
	{ $(PIP_INSTALL) --requirement <($(BIN)/python tools/requirements.py $(1)) && $(BIN)/python -c "import $(2)"; } & \
	  packages=$$!; \
	  $(PIP_INSTALL) --no-deps --no-build-isolation --editable . --config-settings=build-dir=$(BUILD) \
	    $(foreach setting,$(3),"--config-settings=cmake.define.CRECHE_$(setting)"); engine=$$?; \
	  wait $$packages && exit $$engine
endef

# demo: the package for this processor alone, in single precision, which is what `creche` uses unless asked otherwise.
# The rest: the instruction-set levels that this processor runs, both precisions and the tests' modules, in the same folder,
# so that only what the demo lacks is compiled.
$(VENV)/.demo: $(VENV)/.made $(shell find core bindings src CMakeLists.txt -type f -not -name '*.so' -not -path '*/__pycache__/*' 2>/dev/null) $(WEB)
	@echo "Building Creche for this machine (about a minute on two cores, once) ..."
	$(call INSTALL,,$(IMPORTS),TESTING=OFF LEVELS=native PRECISIONS=float32 UNITY=ON)
	touch $@

$(VENV)/.dev: $(VENV)/.made $(shell find core bindings tests/native CMakeLists.txt -type f -not -name '*.py' -not -path '*/__pycache__/*' 2>/dev/null) $(WEB)
	@echo "Building Creche with the tests' modules (about two minutes on two cores, once) ..."
	$(call INSTALL,dev,$(IMPORTS)$(comma)$(IMPORTS_OF_TESTS),TESTING=ON LEVELS=runnable PRECISIONS=float32;float64 UNITY=ON)
	touch $@ $(VENV)/.demo

# Where the tests have been built, their build stays: it has all of this.
demo: $(firstword $(wildcard $(VENV)/.dev) $(VENV)/.demo)  ## train a network on the bundled penguins and show the result
	$(BIN)/creche train penguins --label species --hidden 5,5 --learning-rate 0.01 --epochs 100

test: $(VENV)/.dev  ## run the tests (no network, no other library needed)
	$(BIN)/python -m pytest $(PYTEST)

LEVELS = $$($(BIN)/python -c "import creche._core as core; print(*core.levels()[1:])")
# The tests that call the engine: reading tables, commands, reports and pictures run the same code on each level.
ENGINE_TESTS := $(addprefix tests/,engine native test_cases.py) \
  $(addprefix tests/unit/,engine estimators evaluation explain model model_selection training test_digests.py)

test-all: test  ## run all tests at each instruction-set level that this processor has
	for level in $(LEVELS); do CRECHE_ISA=$$level $(BIN)/python -m pytest $(PYTEST) || exit 1; done

# The first level is the one that `make test` uses.
test-levels: $(VENV)/.dev  ## run the tests that call the engine at the processor's other instruction-set levels
	for level in $(LEVELS); do CRECHE_ISA=$$level $(BIN)/python -m pytest $(PYTEST) \
	  -m "not peers and not every_level" $(ENGINE_TESTS) || exit 1; done

lint: $(VENV)/.dev  ## check format, types and language
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_language.py
	$(BIN)/python tools/studio_protocol.py --check
	git ls-files 'core/*.[hc]pp' 'bindings/*.[hc]pp' 'tests/**/*.[hc]pp' | xargs $(BIN)/clang-format --dry-run --Werror

format: $(VENV)/.dev  ## format the sources
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files 'core/*.[hc]pp' 'bindings/*.[hc]pp' 'tests/**/*.[hc]pp' | xargs $(BIN)/clang-format -i

# torch comes first: together with the others, pip might choose a newer one.
$(VENV)/.peers: $(VENV)/.dev
	$(PIP_INSTALL) torch==2.13.0
	$(PIP_INSTALL) "scikit-learn>=1.7" "jax>=0.9" "pandas>=2.2" "onnx>=1.18" "onnxruntime>=1.22" "shap>=0.50" "captum>=0.8" "tensorboard>=2.20" "schemathesis>=4.20" "prometheus-client>=0.20"
	touch $@

# With one thread of PyTorch: on small networks several wait for each other, on a busy machine for seconds.
peers: $(VENV)/.peers  ## run the parity tests against PyTorch, scikit-learn and others
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/peers tests/torch_engine --quiet -m peers

$(VENV)/.device: $(VENV)/.dev
	$(PIP_INSTALL) nvidia-cuda-nvrtc==13.5.37
	touch $@

device: $(VENV)/.device  ## execute the kernels of a GPU without one, and compare their bytes with the engine's (needs gcc)
	$(BIN)/python -m pytest tests/device --quiet -m device --numprocesses 2

# Compiled, as Ray gives up on a machine whose helpers take longer than 15 seconds to be imported.
$(VENV)/.cluster: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet --compile --disable-pip-version-check "ray>=2.55" dask distributed submitit
	touch $@

cluster: $(VENV)/.cluster  ## train on a cluster of Ray, whose machines are processes that are killed in the middle, by Dask and by submitit
	$(BIN)/python -m pytest tests/cluster --quiet -m cluster

# In a folder of their own: they would change the versions of packages that other tests need.
TRACKERS := build/trackers
$(TRACKERS)/.installed: $(VENV)/.dev
	$(PIP_INSTALL) --target $(TRACKERS) "mlflow-skinny>=3" sqlalchemy alembic "pandas>=2.2" wandb aim optuna-dashboard
	touch $@

trackers: $(TRACKERS)/.installed  ## log to MLflow, Weights & Biases, Aim and a study of Optuna (downloads some 500 MB)
	PYTHONPATH=$(TRACKERS) $(BIN)/python -m pytest tests/peers/test_mlflow.py tests/peers/test_trackers.py --quiet -m peers

$(VENV)/.databases: $(VENV)/.dev
	$(PIP_INSTALL) "adbc-driver-postgresql>=1.8" "duckdb>=1.4" "deltalake>=1.4"
	touch $@

databases: $(VENV)/.databases  ## read from and write to PostgreSQL, which is started (needs the package postgresql), and DuckDB
	$(BIN)/python -m pytest tests/databases --quiet -m databases

$(VENV)/.docs: $(VENV)/.dev
	$(PIP_INSTALL) "griffelib>=2.4" "zensical>=0.0.73"
	touch $@

docs: $(VENV)/.docs  ## execute the pages of the documentation and build the site, in build/docs/site
	$(BIN)/python -m tools.site

docs-test: $(VENV)/.docs  ## look at each page of the built site in Chromium: errors, requests, pictures, widths, axe-core
	$(BIN)/python -m tools.site.browser_check

golden: $(VENV)/.peers  ## recompute the reference numbers in tests/golden
	$(BIN)/python tools/golden.py

bench: $(VENV)/.peers  ## run every benchmark next to its peers (about half an hour)
	$(BIN)/python benchmarks/run.py

cross: $(VENV)/.dev  ## check that the engine computes the same bytes on 64-bit Arm (needs g++-aarch64-linux-gnu, qemu-user)
	tools/cross_digests.sh

sanitized: $(VENV)/.dev
	tools/build_sanitized.sh

sanitize: $(VENV)/.dev  ## run the engine's tests under the address and undefined-behaviour sanitizers
	tools/sanitize.sh

fuzz: $(VENV)/.dev  ## read randomly corrupted model files for a minute
	$(BIN)/python tools/fuzz_archive.py

web:  ## build the page of the studio into the sources, for PYTHONPATH=src and for a source distribution (needs Node.js)
	$(PYTHON) tools/build_page.py --to src/creche/studio/page

test-web:  ## check the types of the studio's page, run its tests, and compare its size with the budget (needs Node.js)
	! grep -n "://" web/package-lock.json  # `node web/tools/strip_lock.js` takes addresses out
	cd web && npm ci --ignore-scripts --no-audit --no-fund && npm run check && npm test && npm run build && npm run test:size

wheel: $(VENV)/.made  ## build a wheel for this machine's system with every instruction-set level, in dist/
	$(BIN)/python -m pip wheel --no-deps --wheel-dir dist .

$(VENV)/.wheels: $(VENV)/.made
	$(PIP_INSTALL) "abi3audit>=0.0.26" "auditwheel>=6.5" ziglang==0.17.1
	touch $@

PLATFORMS ?= linux
WHEELS ?= dist/*.whl

wheels: $(VENV)/.wheels web  ## build wheels for other machines, in dist/, and try them: PLATFORMS=linux, macos, linux-x86-64, ...
	$(BIN)/python -m tools.wheels --platforms "$(PLATFORMS)"

wheels-twice: $(VENV)/.wheels web  ## the same, and build each again in another folder: the bytes must be equal
	$(BIN)/python -m tools.wheels --platforms "$(PLATFORMS)" --twice

try-wheels: $(VENV)/.made  ## try the wheels in dist/ that this machine can run: WHEELS=dist/*.whl
	$(BIN)/python -m tools.wheels --try $(WHEELS)

try-source: $(VENV)/.made web  ## install the source distribution without a network, Node.js and git, and try it
	$(BIN)/python -m tools.wheels.source_trial

interface-cost: $(VENV)/.wheels web  ## measure what Python's stable interface costs: this machine's engine, bound by it and by that of one version
	$(BIN)/python -m tools.wheels.interface_cost

release-check: wheels try-source docs docs-test  ## check that version, changelog, kept model files, wheels and documentation fit together
	$(BIN)/python tools/release_check.py

clean:  ## remove what was built
	rm -rf build dist src/creche/studio/page $(VENV)/.demo $(VENV)/.dev
