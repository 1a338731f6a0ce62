//! What this machine offers, and what is wrong with it.

use cs_quant::Kernel;
use serde::Serialize;
use serde_json::Value;

/// libtorch's version that the workspace is built and tested with.
#[cfg(feature = "torch")]
const LIBTORCH: &str = "2.11.0";

/// What an examination found.
///
/// ```
/// let report = cs_examples::examine();
/// assert!(report.threads >= 1);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `version` and `path` of the libtorch in use; null in a build without it.
    pub torch: Value,
    /// The number of CUDA devices that libtorch sees.
    pub cuda: i64,
    /// Threads the native runtime uses by default.
    pub threads: usize,
    /// The native runtime's kernel on this processor.
    pub kernel: String,
    /// What should be put right, in words.
    pub problems: Vec<String>,
}

/// Looks at the processor and, where it is built in, at libtorch.
pub fn examine() -> Report {
    let kernel = Kernel::detect();
    let mut problems = Vec::new();
    if kernel == Kernel::Portable && cfg!(target_arch = "x86_64") {
        problems.push(
            "the processor lacks AVX2: the native runtime is several times slower".to_owned(),
        );
    }
    let (torch, cuda) = libtorch(&mut problems);
    Report {
        torch,
        cuda,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        kernel: format!("{kernel}"),
        problems,
    }
}

#[cfg(not(feature = "torch"))]
fn libtorch(_: &mut Vec<String>) -> (Value, i64) {
    (Value::Null, 0)
}

#[cfg(feature = "torch")]
fn libtorch(problems: &mut Vec<String>) -> (Value, i64) {
    let sum = tch::Tensor::from_slice(&[1.0f32, 2.0, 3.0]).f_sum(tch::Kind::Float);
    let sum = sum.and_then(|sum| f64::try_from(&sum));
    if !matches!(sum, Ok(sum) if sum == 6.0) {
        problems.push(format!("libtorch does not add up: {sum:?} instead of 6"));
    }
    let path = loaded_library();
    let version = path.as_deref().and_then(version_of);
    match &version {
        Some(version) if !version.starts_with(LIBTORCH) => problems.push(format!(
            "libtorch is {version}, but {LIBTORCH} is what this was built for: run `make setup`"
        )),
        _ => {}
    }
    let cuda = tch::Cuda::device_count();
    let beside = path
        .as_ref()
        .map(|path| path.with_file_name("libtorch_cuda.so"));
    if cuda == 0 && beside.is_some_and(|library| library.exists()) {
        problems.push("this libtorch is for CUDA, but finds no device".to_owned());
    }
    let path = path.map(|path| path.display().to_string());
    (
        serde_json::json!({ "version": version, "path": path, "threads": tch::get_num_threads() }),
        cuda,
    )
}

/// The `libtorch_cpu.so` this process has loaded, as Linux tells.
#[cfg(feature = "torch")]
fn loaded_library() -> Option<std::path::PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let path = maps
        .lines()
        .find(|line| line.ends_with("/libtorch_cpu.so"))?;
    path.find('/').map(|at| path[at..].into())
}

/// From `build-version`, or Python torch's `version.py`, in the folder above `lib`.
#[cfg(feature = "torch")]
fn version_of(library: &std::path::Path) -> Option<String> {
    let root = library.parent()?.parent()?;
    if let Ok(version) = std::fs::read_to_string(root.join("build-version")) {
        return Some(version.trim().to_owned());
    }
    let python = std::fs::read_to_string(root.join("version.py")).ok()?;
    let line = python
        .lines()
        .find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(line.trim_matches(['\'', '"']).to_owned())
}
