# Commands for people who work on backstage-setup. "make help" lists them.

# How long one package's tests may take. The slowest machine that has to pass
# has two cores and compiles with the race detector meanwhile.
TEST_TIMEOUT ?= 20m
# More flags for "go test", for instance: make test TESTFLAGS='-run Secret -v'
TESTFLAGS ?=
# Packages to test, lint and measure.
PACKAGES ?= ./...

testcluster := go run ./internal/testcluster/cmd/testcluster
staticcheck := go tool -modfile=internal/tools/go.mod staticcheck

.DEFAULT_GOAL := build

.PHONY: build
build: ## Build the program, stripped, as ./backstage-setup
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o backstage-setup .

.PHONY: test
test: testcluster postgres ## Run all tests against a real Kubernetes and PostgreSQL
	go test -race -timeout $(TEST_TIMEOUT) $(TESTFLAGS) $(PACKAGES)
	go test -timeout $(TEST_TIMEOUT) -run 'TestCorpus|TestWrappedCorpus' ./internal/values -edits 200

.PHONY: testcluster
testcluster: ## Build the Kubernetes of the tests, once per machine (minutes)
	@$(testcluster) build >/dev/null

.PHONY: postgres
postgres: ## Find PostgreSQL's server, or install it (Debian or Ubuntu, as root)
	@internal/tools/postgres.sh

.PHONY: lint
lint: format vet staticcheck ## Check format, go vet and staticcheck

.PHONY: format
format:
	@files=$$(gofmt -l .) && if [ -n "$$files" ]; then \
		echo "not formatted, run gofmt -w:" >&2; echo "$$files" >&2; exit 1; fi

.PHONY: vet
vet:
	go vet $(PACKAGES)

.PHONY: staticcheck
staticcheck:
	$(staticcheck) $(PACKAGES)

.PHONY: generate
generate: ## Write all generated files anew
	go generate ./...

# What git sees of the work tree, to tell what a command has changed.
worktree = git status --porcelain --untracked-files=all; git diff HEAD
.PHONY: verify
verify: ## Check that the generated files are what "make generate" writes
	@before=$$($(worktree)) && go generate ./... && after=$$($(worktree)) && \
	if [ "$$before" != "$$after" ]; then \
		git status --short >&2; \
		echo "generated files were not up to date: commit what \"make generate\" wrote" >&2; exit 1; fi

.PHONY: tidy
tidy: ## Check that go.mod and go.sum are tidy, here and in the nested modules
	go mod verify
	@for mod in $$(git ls-files 'go.mod' '*/go.mod'); do \
		echo "go mod tidy -diff # $$mod"; \
		(cd "$$(dirname "$$mod")" && go mod tidy -diff) || exit 1; done

.PHONY: cluster
cluster: ## Run the Kubernetes of the tests until Ctrl-C (CRDS=dir, KUBECONFIG_OUT=file)
	@$(testcluster) up $(if $(CRDS),--crds '$(CRDS)') $(if $(KUBECONFIG_OUT),--kubeconfig '$(KUBECONFIG_OUT)')

.PHONY: bench
bench: testcluster postgres ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem -timeout $(TEST_TIMEOUT) $(PACKAGES)

# How many random sequences "make soak" plays, and the seed of the first.
SOAK ?= 10000
SEED ?= 1

.PHONY: soak
soak: testcluster ## Play random runs, faults and other people against the tests' Kubernetes
	go test -run 'TestSoak$$' -v -timeout 2h ./internal/apply -soak.n $(SOAK) -soak.seed $(SEED)

.PHONY: clean
clean: ## Remove what was built here
	rm -rf backstage-setup dist

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
