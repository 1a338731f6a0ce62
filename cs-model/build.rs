//! Builds the operator bridge (`src/ops/bridge.cpp`) against the libtorch that torch-sys found.

fn main() {
    println!("cargo:rerun-if-changed=src/ops/bridge.cpp");
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    #[cfg(all(feature = "torch", not(feature = "doc-only")))]
    build_bridge();
}

#[cfg(all(feature = "torch", not(feature = "doc-only")))]
fn build_bridge() {
    use std::env;
    use std::path::PathBuf;

    // torch-sys tells its dependents where the libraries are; the headers lie beside them, unless
    // they are named as they are to torch-sys itself.
    let Some(libraries) = env::var_os("DEP_TCH_LIBTORCH_LIB").map(PathBuf::from) else {
        println!("cargo::error=torch-sys does not say where libtorch is (DEP_TCH_LIBTORCH_LIB)");
        return;
    };
    let root = env::var_os("LIBTORCH_INCLUDE").map(PathBuf::from);
    let root = root.or_else(|| libraries.parent().map(PathBuf::from));
    let include = root.unwrap_or_default().join("include");
    // torch-sys's own flags: a mix of string ABIs would not link.
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .warnings(false)
        .include(&include)
        .include(include.join("torch/csrc/api/include"))
        .std("c++17")
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .define("GLOG_USE_GLOG_EXPORT", None)
        .file("src/ops/bridge.cpp")
        .compile("cs_model_ops");
}
