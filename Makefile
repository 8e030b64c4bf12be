# Every target has its one line of help behind ##; "make help" lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PREFIX ?= /usr/local
FUZZTIME ?= 10s
ROUNDS ?= 20

# containers/* is linked for its remote client only, without cgo and GnuPG.
TAGS := remote containers_image_openpgp exclude_graphdriver_btrfs exclude_graphdriver_devicemapper urfave_cli_no_docs
LDFLAGS := -s -w -X main.version=$(VERSION)
LINT_VERSION := v2.15.0
LINT := build/bin/golangci-lint-$(LINT_VERSION)
VULN_VERSION := v1.1.4

export CGO_ENABLED ?= 0

# The version is given above. Where root builds the tree of another user, as in
# a container, git refuses to tell more, and go would end there.
export GOFLAGS := $(strip $(shell go env GOFLAGS 2>/dev/null) -buildvcs=false)

.PHONY: build demo test check vuln bench fuzz docs install clean help

build: ## build build/atomic
	go build -trimpath -tags '$(TAGS)' -ldflags '$(LDFLAGS)' -o build/atomic ./atomic

demo: build ## run a super-privileged container for real
	go run ./tests/bed demo build/atomic

test: ## run all tests, against real engines of their own (as root)
	go run ./tests/bed install
	go run ./tests/bed exec --with-images -- go test -tags '$(TAGS)' -shuffle=on -timeout 30m ./...
	$(MAKE) fuzz

# The race detector needs cgo.
check: $(LINT) ## look for faults without engines: format, vet, lint, generated files, races, known holes
	@unformatted=$$(git ls-files '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then echo "not gofmt'ed:" $$unformatted; exit 1; fi
	go vet -tags '$(TAGS)' ./...
	$(LINT) run ./...
	$(MAKE) docs
	@changed=$$(git status --porcelain -- docs labels); \
	if [ -n "$$changed" ]; then echo "generated files differ; run make docs and commit:"; echo "$$changed"; exit 1; fi
	CI= CGO_ENABLED=1 go test -race -tags '$(TAGS)' -shuffle=on -timeout 30m ./...
	$(MAKE) vuln

# Podman's client has advisories about its engine that no version of it will
# fix, so what is found is for a person to read and is no failure.
vuln: ## look for known holes, where the database of them can be reached
	@out=$$(go run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) -tags '$(TAGS)' ./... 2>&1) && status=0 || status=$$?; \
	case "$$status $$out" in \
		0\ *) echo "no known holes" ;; \
		*"fetching vulnerabilities"*) echo "known holes were NOT looked for: the database cannot be reached from here" ;; \
		*"Vulnerability #"*) echo "$$out" ;; \
		*) echo "$$out"; exit 1 ;; \
	esac

$(LINT):
	GOBIN='$(CURDIR)/build/bin/tmp' go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv build/bin/tmp/golangci-lint $@
	rmdir build/bin/tmp

bench: build ## measure against peers and floors, ROUNDS pairs each, on real engines
	go run ./tests/bed install
	go run ./tests/bed exec -- go run -tags '$(TAGS)' ./tests/bench -n $(ROUNDS)

fuzz: ## run every fuzz target for FUZZTIME
	@git grep -Eo '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | while IFS=: read -r file target; do \
		target=$${target#func }; \
		echo "$$target in $$(dirname "$$file")"; \
		go test -tags '$(TAGS)' -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" </dev/null; \
	done

docs: ## write again what is generated from the code, and the manual to build/man
	go test -tags '$(TAGS)' -count=1 -run '^TestDocs$$' ./atomic -update
	go run ./docs/gen build/man

install: build ## install the program, its manual and completions below DESTDIR and PREFIX
	install -D -m 0755 build/atomic '$(DESTDIR)$(PREFIX)/bin/atomic'
	go run ./docs/gen build/man
	for page in build/man/man*/*; do \
		install -D -m 0644 "$$page" '$(DESTDIR)$(PREFIX)/share/man/'"$${page#build/man/}"; \
	done
	share='$(DESTDIR)$(PREFIX)/share'; \
	install -d "$$share/bash-completion/completions" "$$share/zsh/site-functions" "$$share/fish/vendor_completions.d"; \
	build/atomic completion bash >"$$share/bash-completion/completions/atomic"; \
	build/atomic completion zsh >"$$share/zsh/site-functions/_atomic"; \
	build/atomic completion fish >"$$share/fish/vendor_completions.d/atomic.fish"

clean: ## remove what was built
	rm -rf build

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' Makefile
