# Each target works as the first command in a fresh clone: what needs libtorch sets it up first.

SETUP := ./cs-model/libtorch/setup.sh
TORCH_FREE := -p cs-train -p cs-quant -p cs-serve --no-default-features
DOCS_RS := cs-serve/doc-only,cs-serve/download-libtorch,cs-train/doc-only

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
	cargo test $(TORCH_FREE)

# Every feature is checked by one of these: those without libtorch by the second, those for docs.rs and for
# fetching libtorch by the third, which fetches nothing.
lint: setup ## Formatting, clippy and rustdoc, all without a warning
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo clippy $(TORCH_FREE) -p cs-examples -p cs-benches --features cs-train/nvml,cs-train/jieba --all-targets -- -D warnings
	cargo doc --workspace --no-deps --features $(DOCS_RS) --config 'build.rustdocflags = ["-D", "warnings"]'

bench: ## Measure the native runtime
	cargo bench -p cs-benches --no-default-features
