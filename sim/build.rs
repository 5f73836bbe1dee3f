//! Records which compiler and which revision built the crate, for the manifest of every run.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for path in ["../.git/HEAD", "../.git/logs/HEAD"] {
        if std::path::Path::new(path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    println!("cargo::rustc-env=LINDLEY_RUSTC={}", first_line(&rustc, &["--version"]));
    println!("cargo::rustc-env=LINDLEY_REVISION={}", first_line("git", &["rev-parse", "HEAD"]));
}

fn first_line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    let text = text.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    text.lines().next().unwrap_or("unknown").to_owned()
}
