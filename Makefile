# Reproduction pipelines: every number and picture of the README is a target here. Files are made once; `make -j` and
# another `make` do only what is missing. RUN is put before heavy commands: make robustness RUN='nice -n 19'
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules
RUN ?=
AIR := $(RUN) node bin/air.js
# SMALL=1: figures and tables of tiny runs, in a folder of their own
SMALL ?=
OUT := build$(if $(SMALL),/small)
# Of robustness, best, three and the tables; after make native: BACKEND=tensorflow takes half the time, its last bits are others
BACKEND ?= wasm
INSTALLED := node_modules/.package-lock.json
BUILT := dist/.built

.PHONY: help
help: ## this list
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

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

# --- what needs more than Node: libtensorflow, a Vulkan driver, Python -------------------------------------------------

# Not among them: core/infer, which compares batches bit by bit, as products of libraries do not allow. On webgpu neither
# learner, unroll and iwae, which are slow in software, nor op, which reads synchronously.
BACKEND_TESTS := $(addprefix .test/,$(addsuffix .test.js, \
  $(addprefix core/,elbo estimators/enumerate estimators/nvil guide-input images model oracle oracle-nvil sample) \
  $(addprefix core/ops/,accumulate image linear normal sides tensor-ops vanish windows) \
  train/optimisers/adam train/optimisers/rmsprop backends/kernels backends/sizes backends/start))

.PHONY: native
native: $(BUILT) ## libtensorflow for --backend tensorflow, from a wheel (GPU=1: with CUDA; TENSORFLOW=DIR: one already there)
	src/backends/tensorflow/native/build.sh
	$(AIR) backends

.PHONY: test-native
test-native: native ## reference tensors and every op on libtensorflow
	npm run --silent test:compile
	AIR_TEST_BACKENDS=tensorflow $(RUN) node --test $(BACKEND_TESTS) .test/core/unroll.test.js .test/core/ops/op.test.js \
	  .test/core/estimators/iwae.test.js .test/train/learner.test.js .test/backends/tensorflow/start.test.js \
	  .test/backends/tensorflow/compiler.test.js .test/commands/train/kills.test.js

.PHONY: test-webgpu
test-webgpu: $(BUILT) ## the same on WebGPU: on this machine's GPU, or on a software Vulkan driver that it fetches
	npm run --silent test:compile
	AIR_TEST_BACKENDS=webgpu $(RUN) test/backends/webgpu.sh node --test $(BACKEND_TESTS) \
	  .test/backends/webgpu/shaders.test.js

CHROMIUM ?= $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))

.PHONY: test-pages
test-pages: $(BUILT) ## reports and live pages in a headless Chromium, wide and narrow; needs one (apt-get install chromium, or CHROMIUM=FILE)
	@test -n "$(CHROMIUM)" || { echo "no Chromium here: apt-get install chromium, or CHROMIUM=FILE make test-pages" >&2; exit 69; }
	npm run --silent test:compile
	AIR_CHROMIUM=$(CHROMIUM) $(RUN) node --test .test/render/html/browser.test.js
	@echo "pictures: build/pages"

.PHONY: test-package
test-package: $(BUILT) ## npm pack, installed in an empty folder without a compiler, runs the pipeline
	test/package.sh

READERS := build/python/.readers

$(READERS):
	python3 -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet msgpack safetensors numpy pillow
	touch $@

.PHONY: test-readers
test-readers: $(BUILT) $(READERS) ## what air writes, read by Python's msgpack, safetensors, numpy and pillow, and back
	npm run --silent test:compile
	AIR_PYTHON=$(READERS:.readers=bin/python) $(RUN) node --test .test/formats/python.test.js

PYTHON ?= python3
VENV := build/torch

$(VENV)/.installed: test/python/cpu_torch.sh
	mkdir -p $(@D)
	PYTHON=$(PYTHON) test/python/cpu_torch.sh $(VENV) pyro-ppl pyro-api opt-einsum tqdm safetensors msgpack
	touch $@

.PHONY: pyro-air
pyro-air:
	@test -f "$(PYRO_AIR)/air.py" || { echo "PYRO_AIR=DIR: the folder examples/air of Pyro's sources, github.com/pyro-ppl/pyro" >&2; exit 64; }

.PHONY: test-pyro
test-pyro: $(if $(PYRO_AIR),pyro-air) $(BUILT) $(VENV)/.installed ## weights to Pyro's AIR and back (PYRO_AIR=DIR: to its own class)
	npm run --silent test:compile
	AIR_TORCH=$(VENV)/bin/python PYRO_AIR="$(PYRO_AIR)" $(RUN) node --test .test/commands/pyro.test.js

.PHONY: fuzz
fuzz: $(BUILT) ## a million files of all formats, each a little wrong, to every reader: ten minutes of two cores (FUZZ_CASES, FUZZ_SEED)
	npm run --silent test:compile
	$(RUN) node .test/fuzz/main.js

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
	$(AIR) gen-data $(if $(SMALL),--count 4000) -o $@

$(DEMO)/test.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split test --count $(if $(SMALL),300,10000) --seed 2 -o $@

$(DEMO)/valid.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split valid --count $(if $(SMALL),200,2000) --seed 1 -o $@

$(DEMO)/air.safetensors: $(DEMO)/train.air $(DEMO)/valid.air
	$(AIR) train $< $(if $(SMALL),--preset small) --valid $(DEMO)/valid.air --metrics $(DEMO)/metrics.jsonl --backend wasm -o $@

$(DEMO)/latents.air: $(DEMO)/air.safetensors $(DEMO)/test.air
	$(AIR) infer $^ --backend wasm -o $@

$(DEMO)/boxes.png: $(DEMO)/latents.air
	$(AIR) render $< --limit 20 -o $@

$(DEMO)/steps.png: $(DEMO)/latents.air
	$(AIR) render $< --limit 8 --rows input,reconstruction,steps -o $@

$(DEMO)/scores.json: $(DEMO)/latents.air
	$(AIR) eval $< --json $(if $(SMALL),,--min-accuracy 0.97) > $@

# --- robustness: ten seeds of the default recipe, and of the ELBO alone on as many images -------------------------------------

ROBUST := $(OUT)/robustness
SEEDS ?= 1 2 3 4 5 6 7 8 9 10
ROBUST_RUNS := $(foreach kind,sums elbo,$(SEEDS:%=$(kind)-%))

# 2,500 steps of 128 images, and from step 300 on 32 sums and 32 single images more: 460,800 images, as many as 3,600 of 128.
TRAIN_sums :=
TRAIN_elbo := --sum-pairs 0 --steps 3600

.PHONY: robustness
robustness: $(ROBUST_RUNS:%=$(ROBUST)/%.json) ## both tables of ten seeds, with sums of images and without; each run resumes where it was stopped
	@for kind in sums elbo; do \
	  echo "$$kind: air train $$([[ $$kind = sums ]] && echo '$(TRAIN_sums)' || echo '$(TRAIN_elbo)')"; \
	  $(AIR) table --columns count,evidence,sampled,elbo,ap,2as1,2as3,1as2,collapse $(SEEDS:%=$$kind=$(ROBUST)/$$kind-%.json); done

$(ROBUST)/%.safetensors: $(DEMO)/train.air $(DEMO)/valid.air
	mkdir -p $(@D)
	$(AIR) train $< --valid $(DEMO)/valid.air --metrics $(@:.safetensors=.jsonl) --backend $(BACKEND) \
	  $(TRAIN_$(firstword $(subst -, ,$*))) --seed $(lastword $(subst -, ,$*)) -o $@

$(ROBUST)/%.json: $(ROBUST)/%.safetensors $(DEMO)/test.air
	$(AIR) eval --model $^ --samples 10 --backend $(BACKEND) --json > $@

# --- past the default: a larger recipe, and lessons that teach to count what the data do not hold ----------------------------

TRAIN_best := --preset best
TRAIN_three := --sum-triples 12 --guide-input both

.PHONY: best
best: $(SEEDS:%=$(ROBUST)/best-%.json) $(SEEDS:%=$(ROBUST)/best-%.looks.json) $(ROBUST)/best-errors.png ## ten seeds of --preset best, by one look at an image and by nine: five core-hours
	@echo 'best: air train $(TRAIN_best); below, air eval --shifts 1'
	@$(AIR) table --columns count,evidence,sampled,elbo,ap,2as1,2as3,1as2,collapse $(SEEDS:%=best=$(ROBUST)/best-%.json)
	@$(AIR) table --columns count,2as1,2as3,1as2,collapse $(SEEDS:%="nine looks=$(ROBUST)/best-%.looks.json")
	@echo 'what is left, of the first seed: $(ROBUST)/best-errors.png'

$(ROBUST)/%.looks.json: $(ROBUST)/%.safetensors $(DEMO)/test.air
	$(AIR) eval --model $^ --shifts 1 --backend $(BACKEND) --json > $@

$(ROBUST)/best-errors.png: $(ROBUST)/best-$(firstword $(SEEDS)).safetensors $(DEMO)/test.air
	$(AIR) infer $^ --shifts 1 --no-elbo --backend $(BACKEND) -q | $(AIR) render --only-errors --limit 100 -o $@

.PHONY: three
three: $(foreach scores,json looks.json three.json three.looks.json,$(SEEDS:%=$(ROBUST)/three-%.$(scores))) ## sums of three: two digits and three, trained on 0 to 2, by ten seeds, one look and nine: an hour and a half
	@echo 'air train $(TRAIN_three), on scenes of 0 to 2 digits; the same models on scenes of three; nine looks: air eval --shifts 1'
	@$(AIR) table --columns count,evidence,elbo,2as1,2as3,1as2,collapse $(SEEDS:%="0 to 2=$(ROBUST)/three-%.json") \
	  $(SEEDS:%="0 to 2, nine looks=$(ROBUST)/three-%.looks.json")
	@$(AIR) table --columns count,evidence,3as1,3as2 $(SEEDS:%="three=$(ROBUST)/three-%.three.json") \
	  $(SEEDS:%="three, nine looks=$(ROBUST)/three-%.three.looks.json")

$(ROBUST)/three.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split test --objects 3 --count 3000 --seed 5 -q -o $@

$(ROBUST)/%.three.json: $(ROBUST)/%.safetensors $(ROBUST)/three.air
	$(AIR) eval --model $^ --samples 10 --backend $(BACKEND) --json > $@

$(ROBUST)/%.three.looks.json: $(ROBUST)/%.safetensors $(ROBUST)/three.air
	$(AIR) eval --model $^ --shifts 1 --backend $(BACKEND) --json > $@

# --- the model that comes with the package ------------------------------------------------------------------------------

SHIPPED := fixtures/models/digits.safetensors

$(OUT)/digits.safetensors: $(DEMO)/train.air
	$(AIR) train $< --backend wasm --no-provenance -o $@

.PHONY: check-model
check-model: $(OUT)/digits.safetensors ## trains the model of the package again and compares bytes
	cmp $< $(SHIPPED)
	@echo "$(SHIPPED): the same bytes"

# --- Pyro's example: its data, its command line, and the same with the count summed over ------------------------------------

PYRO := $(OUT)/pyro
PYRO_LINE := -blr 0.1 --z-pres-prior 0.01 --scale-prior-sd 0.2 --predict-net 200 --decoder-output-use-sigmoid \
  --decoder-output-bias -2 --seed 287710

.PHONY: pyro
pyro: $(PYRO)/nvil.safetensors $(PYRO)/enumerate.safetensors ## --preset pyro for 10,000 steps, and 2,500 with --estimator enumerate: an hour or two
	@for estimator in nvil enumerate; do echo "--estimator $$estimator, counts of training scenes drawn from q(n)"; \
	  node -e "$$COUNTS" $(PYRO)/$$estimator.jsonl; done

$(PYRO)/full.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split full -o $@

$(PYRO)/some.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --split full --count 2000 -o $@

$(PYRO)/nvil.safetensors: $(PYRO)/full.air $(PYRO)/some.air
	$(AIR) train $< --preset pyro -n 10000 $(PYRO_LINE) --bl-predict-net 200 --valid $(PYRO)/some.air --eval-every 500 \
	  --backend wasm --metrics $(@:.safetensors=.jsonl) -o $@

$(PYRO)/enumerate.safetensors: $(PYRO)/full.air $(PYRO)/some.air
	$(AIR) train $< --preset pyro -n 2500 -lr 1e-3 $(filter-out -blr 0.1,$(PYRO_LINE)) --estimator enumerate --valid $(PYRO)/some.air \
	  --eval-every 100 --backend wasm --metrics $(@:.safetensors=.jsonl) -o $@

define COUNTS
const { readFileSync } = require('node:fs');
for (const line of readFileSync(process.argv[1], 'utf8').trim().split('\n').map((text) => JSON.parse(text))) {
  if (line.valid_count_accuracy === undefined) continue;
  const [drawn, best] = [line.valid_sampled_count_accuracy, line.valid_count_accuracy].map((share) => (100 * share).toFixed(2) + ' %');
  console.log('  step ' + line.step + ': ' + drawn + ', the most probable count ' + best + ', ELBO ' + line.valid_elbo.toFixed(1));
}
endef
export COUNTS

# --- estimators: the same steps with counts drawn, as the paper does, and summed over; neither with sums of images ---------

NVIL := $(OUT)/nvil

.PHONY: nvil
nvil: $(NVIL)/enumerate.json $(NVIL)/nvil.json ## 2,000 steps of 64 with --estimator nvil, and with the sum over counts
	@for estimator in nvil enumerate; do echo "--estimator $$estimator"; \
	  node -e "$$CURVE" $(NVIL)/$$estimator.jsonl $(NVIL)/$$estimator.json; done

$(NVIL)/%.safetensors: $(DEMO)/train.air
	mkdir -p $(@D)
	$(AIR) train $< --estimator $* --sum-pairs 0 --steps 2000 --batch-size 64 --learning-rate 1e-3 --backend wasm \
	  --metrics $(NVIL)/$*.jsonl -o $@

$(NVIL)/%.json: $(NVIL)/%.safetensors $(DEMO)/test.air
	$(AIR) eval --model $^ --backend wasm --json > $@

define CURVE
const { readFileSync } = require('node:fs');
const [log, scores] = process.argv.slice(1);
for (const line of readFileSync(log, 'utf8').trim().split('\n').map((text) => JSON.parse(text))) {
  if (![50, 100, 250, 500, 1000, 1500, 2000].includes(line.step)) continue;
  const explains = line.baseline_explains === undefined ? '' : ', the baseline explains ' + line.baseline_explains.toFixed(3);
  console.log('  step ' + line.step + ': ELBO ' + line.elbo.toFixed(1) + explains + ', ' + line.ms_per_step.toFixed(1) + ' ms a step');
}
console.log('  held-out count accuracy ' + (100 * JSON.parse(readFileSync(scores)).count_accuracy).toFixed(2) + ' %');
endef
export CURVE

# --- figures and tables: what each idea is worth; make figures tables SMALL=1 makes tiny ones -----------------------------------

include fixtures/reproduce/tables.mk fixtures/reproduce/figures.mk

# --- trust: what holds for hours, and while things break; figures in build/soak ----------------------------------------------

# Seconds of training; scenes through a pipe; moments at which trainings are killed, for each backend, estimator and number of threads
SOAK_TIME ?= 3600
SOAK_COUNT ?= 1000000
SOAK_KILLS ?= 20
SOAK := build/soak

.PHONY: soak soak-kills soak-full-disk soak-limits soak-streams soak-training table-backends soak-compile
soak: soak-kills soak-full-disk soak-limits soak-streams soak-training table-backends ## kill -9, full disks, limits, long streams, an hour of training (SOAK_TIME, SOAK_COUNT, SOAK_KILLS): three hours
	@cat $(SOAK)/*.md

soak-compile: $(BUILT)
	npm run --silent test:compile

soak-kills: soak-compile
	$(RUN) node .test/soak/kills.js $(SOAK_KILLS)

soak-full-disk soak-limits: soak-%: soak-compile
	$(RUN) node .test/soak/$*.js

soak-streams: soak-compile
	$(RUN) node .test/soak/streams.js $(SOAK_COUNT)

soak-training: soak-compile
	$(RUN) node .test/soak/training.js $(SOAK_TIME)

table-backends: soak-compile ## how far backends differ, on the same images and after the same 100 steps
	$(RUN) node .test/soak/backends.js

# --- speed: this machine, and peers on it --------------------------------------------------------------------------------

BENCH := $(OUT)/bench
ROUNDS ?= 5

.PHONY: bench
bench: | $(BUILT) ## how fast this machine computes, against its matrix products alone, and whether memory grows
	$(AIR) bench --backend wasm --steps 1000

.PHONY: bench-gpu
bench-gpu: | $(BUILT) ## air bench on the GPUs of this machine, through CUDA (make native GPU=1) and WebGPU
	@$(AIR) backends; \
	found=$$($(AIR) backends --json | node -p \
	  "JSON.parse(fs.readFileSync(0)).filter(({ device }) => device === 'gpu').map(({ name }) => name).join(' ')"); \
	[[ -n $$found ]] || { echo 'make bench-gpu: no backend reaches a GPU' >&2; exit 69; }; \
	for backend in $$found; do $(AIR) bench --backend $$backend --batch-size 64,128,512; done

.PHONY: bench-peers
bench-peers: pyro-air $(VENV)/.installed $(BENCH)/some.air $(DEMO)/train.air ## air against Pyro's example (PYRO_AIR=DIR) and PyTorch
	$(VENV)/bin/python test/python/air_torch.py check fixtures/oracle/torch-air-difference-small.safetensors
	$(RUN) $(VENV)/bin/python test/python/bench_peers.py --air 'node bin/air.js' --pyro "$(PYRO_AIR)" --rounds $(ROUNDS) \
	  --scenes $(BENCH)/some.air --train $(DEMO)/train.air \
	  --metrics $(wildcard $(ROBUST)/sums-*.jsonl $(DEMO)/metrics.jsonl) --raw $(BENCH)/raw.json > $(BENCH)/table.md
	@cat $(BENCH)/table.md

$(BENCH)/some.air: | $(BUILT)
	mkdir -p $(@D)
	$(AIR) gen-data --count 2048 -q -o $@

.SECONDARY:
