# Every target works in a fresh clone: Node, packages and the control plane are fetched or built when first needed.
# The work itself is in package.json's scripts and hack/; here are only its names.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# Runs what follows with a Node that is new enough.
NODE := hack/node.sh
RUN := @$(NODE) npm run --silent
INSTALLED := node_modules/.installed
CLUSTER := @$(NODE) node hack/cluster/cli.ts

##@ General

.PHONY: help
help: ## Show this list.
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Start here

.PHONY: demo demo-down
demo: $(INSTALLED) ## Set everything up, show the main job live, clean up; KEEP=1 leaves the cluster up.
	@$(NODE) node hack/demo/main.ts
demo-down: $(INSTALLED) ## Take down what KEEP=1 left.
	@$(NODE) node hack/demo/main.ts down

##@ Measuring

.PHONY: bench bench-learning bench-heat bench-placement replay
bench: $(INSTALLED) ## GPUJobs a second beside bare Jobs, CPU, status writes, memory; CARDS=dra, JOBS=, ROUNDS=.
	@$(NODE) node hack/bench/main.ts

bench-learning: $(INSTALLED) ## What learning is worth: out-of-memory failures and waste, with it and without.
	@$(NODE) node hack/bench/learning.ts

bench-heat: $(INSTALLED) ## Heat of 20,000 plans a second on a real Redis, beside its ceiling; SECONDS=, RATES=, WAIT=, FSYNC=.
	@$(NODE) node hack/bench/heat.ts

bench-placement: $(INSTALLED) ## How full a production cluster gets, beside published policies: TRACE=<folder>, SEEDS=, LISTS=, POLICIES=.
	@$(NODE) node hack/bench/placement/main.ts

replay: $(INSTALLED) ## Run a production trace: TRACE=<folder>, CARDS=dra (shares of cards), JOBS=, SPEED=, LIST=, SEED=.
	@$(NODE) node hack/replay/main.ts

##@ Development

.PHONY: build manifests generate
build: $(INSTALLED) ## Bundle the operator into dist/operator: plain JavaScript that needs nothing but Node.
	$(RUN) build
manifests: generate ## The same as generate: CRDs and JSON Schema come from one source.
generate: $(INSTALLED) ## Write the generated files: CRDs, JSON Schema, reference pages in docs/.
	$(RUN) generate

.PHONY: fmt format-check lint lint-fix types generate-check
fmt: $(INSTALLED) ## Format all files.
	$(RUN) format
format-check: $(INSTALLED)
	$(RUN) format-check
lint: $(INSTALLED) ## Run the linter.
	$(RUN) lint
lint-fix: $(INSTALLED) ## Run the linter and let it mend what it can.
	$(RUN) lint -- --fix
types: $(INSTALLED)
	$(RUN) types
generate-check: $(INSTALLED)
	$(RUN) generate-check

##@ Tests

.PHONY: test test-unit test-e2e test-long
test: $(INSTALLED) ## Run every check: format, lint, types, generated files, unit, e2e.
	@$(NODE) node hack/checks.ts
test-unit: $(INSTALLED) ## Run the unit tests only.
	$(RUN) test-unit
test-e2e: $(INSTALLED) ## Run the e2e tests only, on a control plane of their own (or USE_EXISTING_CLUSTER=1).
	$(RUN) test-e2e
test-long: $(INSTALLED) ## Run the e2e tests in their long forms: big bursts, many rounds.
	$(RUN) test-long

##@ A cluster for daily work

.PHONY: cluster-up cluster-down cluster-status kind-up kind-down
cluster-up: $(INSTALLED) ## Start a real control plane, and print how to use it and make GPU nodes.
	$(CLUSTER) up
cluster-down: $(INSTALLED) ## Stop it.
	$(CLUSTER) down
cluster-status: $(INSTALLED) ## Say what of it runs.
	$(CLUSTER) status || true # its exit code 3 is for scripts; make would call it an error
kind-up: $(INSTALLED) ## The same on kind, for those with a container engine.
	@hack/kind.sh up
kind-down: ## Delete the kind cluster.
	@hack/kind.sh down

##@ The operator (in the cluster of KUBECONFIG, else in that of cluster-up)

.PHONY: install uninstall deploy undeploy run compare
ON_CLUSTER := @KUBECONFIG="$${KUBECONFIG:-$$($(NODE) node hack/cluster/cli.ts kubeconfig)}" $(NODE) node
# The last placements and what they were chosen from.
DECISIONS ?= $(or $(XDG_STATE_HOME),$(HOME)/.local/state)/orquanta/decisions.jsonl
install: $(INSTALLED) ## Install the CRDs, and the warnings at kubectl apply.
	$(CLUSTER) kubectl -- apply --server-side --filename=crds/ --filename=config/admission/
uninstall: $(INSTALLED) ## Remove both; with DELETE=all also the GPUJobs and policies that go with their CRDs.
	$(ON_CLUSTER) hack/installer/main.ts uninstall --delete="$(DELETE)"
deploy: $(INSTALLED) ## Install all that the operator needs (config/default), with the image IMG=.
	$(ON_CLUSTER) hack/installer/main.ts deploy --image="$(IMG)"
undeploy: $(INSTALLED) ## Remove what deploy installed, but for CRDs, GPUJobs, policies and the ledger.
	$(ON_CLUSTER) hack/installer/main.ts undeploy
run: install ## Run the operator here, in the foreground, with your own rights.
	$(ON_CLUSTER) operator/main.ts --decisions-file="$(DECISIONS)"
compare: $(INSTALLED) ## What another policy would have done with the last placements of make run: POLICY=<name or YAML file>.
	$(ON_CLUSTER) operator/main.ts compare policy --decisions="$(DECISIONS)" $(if $(wildcard $(POLICY)),--file=)$(POLICY)

##@ Image and release

.PHONY: docker-build docker-push docker-buildx build-installer release
export IMG CONTAINER_TOOL PLATFORMS NODE_IMAGE
docker-build: ## Build the image IMG=<name:tag> with CONTAINER_TOOL=docker|podman|nerdctl|buildah.
	@image/tool.sh build
docker-push: ## Push it.
	@image/tool.sh push
docker-buildx: ## Build it for PLATFORMS=linux/amd64,linux/arm64 and push it.
	@image/tool.sh buildx
build-installer: $(INSTALLED) ## Write dist/install.yaml and dist/crds.yaml, with the image IMG=.
	@$(NODE) node hack/installer/main.ts build --image="$(IMG)"
release: $(INSTALLED) ## Write dist/release/: chart, install.yaml, crds.yaml, kubectl plugin, bill of materials, checksums.
	@$(NODE) node hack/release/main.ts --image="$(IMG)" --url="$(URL)"

# Packages, whenever the lock file has changed.
$(INSTALLED): package-lock.json hack/node.sh
	@echo "Installing packages (npm ci)" >&2
	@$(NODE) npm ci --loglevel=error >&2 || { echo "npm ci failed: see above; then run make again" >&2; exit 1; }
	@touch $@
