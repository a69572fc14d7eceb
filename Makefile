# What a person types. `make run` and `make test` need Rust, Node and make; the rest is installed.

HELIO ?= target/debug/helio
# A workspace of its own; it shares the directory, so that what both need is checked once.
BENCH_LOAD := bench/load/Cargo.toml

.PHONY: run test check unit web e2e lab lab-test bench screenshots soak clean

run: web ## build and start the product on its embedded default
	cargo run --release --package cli -- serve

test: tools web check unit e2e lab-test ## everything that must pass

tools:
	scripts/install-test-tools.sh

web: web/node_modules/.installed
	cd web && npm run --silent build

web/node_modules/.installed: web/package-lock.json
	cd web && npm ci --silent
	touch $@

tests/node_modules/.installed: tests/package-lock.json
	cd tests && npm ci --silent
	touch $@

tests/.venv/.installed: tests/requirements.txt
	python3 -m venv tests/.venv
	tests/.venv/bin/pip install --quiet --requirement tests/requirements.txt
	touch $@

check: web/node_modules/.installed ## formatting and lints, no test is run
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- --deny warnings
	cargo fmt --manifest-path $(BENCH_LOAD) --check
	cargo clippy --manifest-path $(BENCH_LOAD) --target-dir $(or $(CARGO_TARGET_DIR),target) --all-targets -- --deny warnings
	cd web && npm run --silent check

unit: web ## Rust and TypeScript tests
	cargo test --workspace
	cd web && npm test

e2e: web tests/node_modules/.installed tests/.venv/.installed ## real browsers against the real server
	cargo build --package cli
	cd tests && HELIO=../$(HELIO) npm test

lab: tools web tests/node_modules/.installed ## every pairing of NATs, RUNS=10 times each, writes docs/nat-matrix.md
	cargo build --package cli
	cargo build --manifest-path lab/slow_link/Cargo.toml
	HELIO=$(abspath $(HELIO)) lab/all.sh

# Its lock file is of a compiler that was less strict.
lab/tools/bin/rathole: ## the tunnel of the laboratory, without what it does not need there
	cargo install --quiet --debug --no-default-features --features server,client --root lab/tools rathole@0.5.0

lab-test: web tests/node_modules/.installed lab/tools/bin/rathole ## the NATs of the laboratory, and devices behind a few
	cargo build --package cli
	cargo build --manifest-path lab/slow_link/Cargo.toml
	for test in lab/*.test.mjs; do HELIO=$(abspath $(HELIO)) lab/run.sh node --test "$$(basename $$test)" || exit; done

bench: ## side by side with the peers, writes docs/benchmarks.md
	bench/run.sh

screenshots: web tests/node_modules/.installed ## every page into ./screenshots
	cargo build --package cli
	cd tests && HELIO=../$(HELIO) npm run screenshots

soak: web tests/node_modules/.installed tests/.venv/.installed ## an hour over the relay, 50 kills while it records, a thousand simulated worlds, a million inputs through each fuzz target
	cargo build --package cli
	cd tests && HELIO=../$(HELIO) ./run.sh node soak.mjs
	cd tests && HELIO=../$(HELIO) ./run.sh node recording_soak.mjs
	cd tests && HELIO=../$(HELIO) HELIO_CUTS=20 ./run.sh node --test e2e/native_chat.test.mjs
	SIM_SEEDS=1000 SETUP_SEEDS=1000 CHAT_BREAKS=1000 cargo test --package sim --test seeds --test setup --test chats -- --nocapture
	scripts/soak.sh

clean:
	cargo clean
	rm -rf web/dist web/node_modules tests/node_modules tests/out screenshots
