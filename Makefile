# Reproduction pipelines: every number and picture of the README is a target here. Files are made once; `make -j` and
# another `make` do only what is missing. RUN is put before heavy commands: make robustness RUN='nice -n 19'
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
RUN ?=
AIR := $(RUN) node bin/air.js
OUT := build
INSTALLED := node_modules/.package-lock.json
BUILT := dist/.built

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 18

# --- the program -----------------------------------------------------------------------------------------------------

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund
	touch $@

$(BUILT): $(INSTALLED) tsconfig.json $(shell find src -type f)
	npm run --silent build
	touch $@

.PHONY: build
build: $(BUILT) ## install and compile

.PHONY: test
test: $(BUILT) ## everything that needs only Node: format, lint, layers, unit tests, golden cases, a short training
	npm run --silent lint
	npm run --silent test:compile
	npm run --silent test:run

.PHONY: clean
clean: ## remove what was compiled; what was trained stays in build/
	rm -rf dist .test

# --- demo: real MNIST, from scenes to a score, in minutes ---------------------------------------------------------------

DEMO := $(OUT)/demo

.PHONY: demo
demo: $(DEMO)/boxes.png $(DEMO)/steps.png $(DEMO)/scores.json ## gen-data, train, infer, render, eval on real MNIST
	@$(AIR) eval $(DEMO)/latents.air
	@echo
	@echo "pictures: $(DEMO)/boxes.png $(DEMO)/steps.png"

$(DEMO)/train.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data -o $@

$(DEMO)/test.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split test --count 10000 --seed 2 -o $@

$(DEMO)/valid.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split test --count 2000 --seed 1 -o $@

$(DEMO)/air.safetensors: $(DEMO)/train.air $(DEMO)/valid.air
	$(AIR) train $< --valid $(DEMO)/valid.air --metrics $(DEMO)/metrics.jsonl --backend wasm -o $@

$(DEMO)/latents.air: $(DEMO)/air.safetensors $(DEMO)/test.air
	$(AIR) infer $^ --backend wasm -o $@

$(DEMO)/boxes.png: $(DEMO)/latents.air
	$(AIR) render $< --limit 20 -o $@

$(DEMO)/steps.png: $(DEMO)/latents.air
	$(AIR) render $< --limit 8 --rows input,reconstruction,steps -o $@

$(DEMO)/scores.json: $(DEMO)/latents.air
	$(AIR) eval $< --json --min-accuracy 0.97 > $@

# --- robustness: the default recipe for ten seeds ------------------------------------------------------------------------

ROBUST := $(OUT)/robustness
SEEDS ?= 1 2 3 4 5 6 7 8 9 10
ROWS := $(SEEDS:%=$(ROBUST)/seed-%.row)

.PHONY: robustness
robustness: $(ROWS) ## the default recipe for ten seeds; each resumes where it was stopped
	@echo "| seed | count accuracy | sampled | ELBO | AP | two read as one | two as three | one as two | ms a step | collapse |"
	@echo "|---|---|---|---|---|---|---|---|---|---|"
	@cat $(ROWS)

$(ROBUST)/seed-%.safetensors: $(DEMO)/train.air $(DEMO)/valid.air
	mkdir -p $(@D)
	$(AIR) train $< --valid $(DEMO)/valid.air --metrics $(@:.safetensors=.jsonl) --backend wasm --seed $* -o $@

$(ROBUST)/seed-%.json: $(ROBUST)/seed-%.safetensors $(DEMO)/test.air
	$(AIR) eval --model $^ --backend wasm --json > $@

define ROW
const { readFileSync } = require('node:fs');
const [seed, scores, log] = process.argv.slice(1);
const { count_accuracy, sampled_count_accuracy, elbo, average_precision, confusion } = JSON.parse(readFileSync(scores));
const pace = readFileSync(log, 'utf8').trim().split('\n').map((line) => JSON.parse(line)).findLast((line) => line.ms_per_step);
const percent = (share) => (100 * share).toFixed(2) + ' %';
const total = (row) => row.reduce((sum, images) => sum + images, 0);
const isCollapsed = confusion.some((row, n) => row[n] < 0.8 * total(row));
const cells = [seed, percent(count_accuracy), percent(sampled_count_accuracy), elbo.toFixed(1), average_precision.toFixed(3),
  confusion[2][1], confusion[2][3], confusion[1][2], pace.ms_per_step.toFixed(0), isCollapsed ? 'yes' : 'no'];
console.log('| ' + cells.join(' | ') + ' |');
endef
export ROW

$(ROBUST)/seed-%.row: $(ROBUST)/seed-%.json
	@node -e "$$ROW" $* $< $(@:.row=.jsonl) > $@

.SECONDARY:
