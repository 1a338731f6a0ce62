# Each target works as the first command in a fresh clone: what needs libtorch sets it up first.

SETUP := ./cs-model/libtorch/setup.sh
TORCH_FREE := -p cs-train -p cs-quant -p cs-serve --no-default-features
DOCS_RS := cs-serve/actions,cs-serve/doc-only,cs-serve/log,cs-serve/otel,cs-serve/parquet,cs-serve/redis,cs-serve/safety,cs-serve/sparql,cs-serve/download-libtorch,cs-train/doc-only

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Provide libtorch for this clone (544 MB once per user) and tell cargo where it is
	@$(SETUP)

demo: setup ## From generated conversations to int8 answers, in about three minutes after the build
	cargo run --release --example quickstart

# One profile for all that follows and for CI's examples, and cs-examples in each selection: it sets features so that
# other people's packages are compiled once. cs-quant's tests never see libtorch: they run in the second line alone.
test: setup ## Every test and doc test: with libtorch what uses it, then what needs none without it
	cargo test --workspace --exclude cs-quant --exclude cs-serve
	cargo test --workspace --exclude cs-quant --test torch
	cargo test $(TORCH_FREE) -p cs-examples --features cs-serve/otel

# Every feature is checked by one of these: those without libtorch by the second, what is left without Arrow
# by the third, those for docs.rs and for fetching libtorch by the fourth, which fetches nothing.
lint: setup ## Formatting, clippy and rustdoc, all without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy $(TORCH_FREE) -p cs-examples -p cs-benches --features cs-serve/otel,cs-train/nvml,cs-train/jieba --all-targets -- -D warnings
	cargo clippy $(TORCH_FREE) --features cs-serve/engine -- -D warnings
	cargo doc --workspace --no-deps --features $(DOCS_RS) --config 'build.rustdocflags = ["-D", "warnings"]'

bench: ## Measure the native runtime
	cargo bench -p cs-benches --no-default-features
