# Each target works as the first command in a fresh clone: what needs libtorch sets it up first.

SETUP := ./cs-model/libtorch/setup.sh
TORCH_FREE := -p cs-train -p cs-quant -p cs-serve --no-default-features

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Provide libtorch for this clone (544 MB once per user) and tell cargo where it is
	@$(SETUP)

demo: setup ## From generated conversations to int8 answers, in about three minutes after the build
	cargo run --release --example quickstart

test: setup ## Every test and doc test, then what needs no libtorch once more without it
	cargo test --workspace
	cargo test --workspace --benches --no-run
	cargo test $(TORCH_FREE)

lint: setup ## Formatting, clippy and rustdoc, all without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy $(TORCH_FREE) -p cs-examples -p cs-benches --all-targets -- -D warnings
	cargo doc --workspace --no-deps --config 'build.rustdocflags = ["-D", "warnings"]'

bench: ## Measure the native runtime
	cargo bench -p cs-benches --no-default-features
