//! What this binary is and what it runs on, for bug reports.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::pool;

/// What the processor offers of the vector instructions that scoring code cares about.
fn cpu_features() -> Vec<&'static str> {
    let mut found = Vec::new();
    #[cfg(target_arch = "x86_64")]
    for (name, there) in [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("bmi2", is_x86_feature_detected!("bmi2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
    ] {
        if there {
            found.push(name);
        }
    }
    #[cfg(target_arch = "aarch64")]
    if std::arch::is_aarch64_feature_detected!("neon") {
        found.push("neon");
    }
    found
}

/// Version, target, profile, compiler, CPU features, and the threads that a batch would use.
#[pyfunction]
pub(crate) fn build_info(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let info = PyDict::new(py);
    info.set_item("version", env!("CARGO_PKG_VERSION"))?;
    info.set_item("target", env!("VIDEOSTR_TARGET"))?;
    info.set_item("profile", env!("VIDEOSTR_PROFILE"))?;
    info.set_item("rustc", env!("VIDEOSTR_RUSTC"))?;
    info.set_item("cpu_features", cpu_features())?;
    info.set_item("threads", pool::default_threads(py)?)?;
    Ok(info)
}
