//! Hands the compiler's version, the target and the profile to `build_info()`.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .ok()
        .and_then(|out| String::from_utf8(out.stdout).ok())
        .map_or_else(|| "unknown".to_owned(), |text| text.trim().to_owned());
    let of = |name: &str| env::var(name).unwrap_or_else(|_| "unknown".into());
    println!("cargo:rustc-env=VIDEOSTR_RUSTC={version}");
    println!("cargo:rustc-env=VIDEOSTR_TARGET={}", of("TARGET"));
    println!("cargo:rustc-env=VIDEOSTR_PROFILE={}", of("PROFILE"));
}
