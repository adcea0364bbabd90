# Checks that every change passes; .ci/run calls them. See ARCHITECTURE.md for what they hold together.
TOOLS ?= $(CURDIR)/.cache/tools
STATICCHECK_VERSION = v0.8.2
FUZZTIME ?= 1s
PACKAGES = ./...

.PHONY: accuracy check format vet staticcheck race law fuzz cross bench bench-check build

check: format vet staticcheck law cross race fuzz

build:
	CGO_ENABLED=0 go build -trimpath -o contrail ./cmd/contrail

format:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }

vet:
	go vet $(PACKAGES)

$(TOOLS)/staticcheck:
	GOBIN=$(TOOLS) go install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

staticcheck: $(TOOLS)/staticcheck
	$(TOOLS)/staticcheck $(PACKAGES)

law:
	go test ./internal/importlaw

# Race tests leave out what reads the whole real data, which the plain run has read: the detector makes it ten times slower.
# Only packages in which, tests included, anything runs beside anything else. Without GORACE every process that a test starts waits a second at its end.
RACE_PACKAGES = $$(grep -rlE --include='*.go' '\bgo func|\.Go\(|sync\.|t\.Parallel' . | xargs -n1 dirname | grep -v /testdata | sort -u)
race:
	GORACE=atexit_sleep_ms=0 go test -race -short $(RACE_PACKAGES)

# A short run of every parser's fuzz target, as many packages beside each other as there are processors.
fuzz:
	@grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u | xargs -P $$(getconf _NPROCESSORS_ONLN) -I{} .ci/fuzz {} $(FUZZTIME)

cross:
	@for os in linux windows darwin; do for arch in amd64 arm64; do \
		echo "build $$os/$$arch"; CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -o /dev/null ./cmd/contrail || exit 1; \
	done; done

bench:
	go test -run '^$$' -bench . -benchmem $(PACKAGES)

# Ratios within one run, so that a slow or busy machine passes and a slower engine does not.
bench-check:
	CONTRAIL_BENCH_CHECK=1 go test -count 1 -v -run 'KeepsItsLead' ./match/sigma/reference ./finding

# Trace and kinship on the drill's sector, over seeds FROM-TO and all scenarios; written to docs/trace-accuracy.md and docs/kinship-accuracy.md.
SEEDS ?= 201-203
accuracy:
	go test ./internal/accuracy -run TraceOfTheSector -timeout 4h -seeds $(SEEDS) -write $(CURDIR)/docs/trace-accuracy.md
	go test ./internal/accuracy -run KinshipOfTheSector -timeout 4h -seeds $(SEEDS) -write-kinship $(CURDIR)/docs/kinship-accuracy.md
