//! The description of the API is what it was; and a server for programs that test it from outside.

use std::path::Path;
use std::sync::Arc;

use live::api::{Api, Settings, Token, document, serve};
use live::broker::Embedded;
use live::witness::Nobody;
use tokio::sync::watch;

use crate::support::runtime;

/// A change here is a change of what clients rely on. Write the new one with `UPDATE_GOLDEN=1`, and read the difference.
#[test]
fn the_golden_openapi_document_is_unchanged() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openapi.golden.json");
    let mut now = serde_json::to_string_pretty(&document(true)).unwrap();
    now.push('\n');
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &now).unwrap();
    }
    let before = std::fs::read_to_string(&golden).unwrap();
    assert!(now == before, "the OpenAPI document differs from {}", golden.display());
}

#[test]
fn every_operation_says_what_may_go_wrong() {
    let document = serde_json::to_value(document(true)).unwrap();
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            for status in ["400", "401", "405", "408", "431", "500"] {
                let content = &operation["responses"][status]["content"];
                assert!(content["application/problem+json"].is_object(), "{path} {status}");
            }
            let open = matches!(path.as_str(), "/livez" | "/readyz");
            assert_eq!(
                operation.get("security").is_some_and(|security| security[0] == serde_json::json!({})),
                open,
                "{path}"
            );
        }
    }
}

/// Serves until it is ended: `LINDLEY_API_PORT`, `LINDLEY_API_TOKEN` and `LINDLEY_API_FILES` say how.
#[test]
#[ignore = "a server for deploy/fuzz-api.sh and for the test of file limits, not a test"]
fn serve_the_api() {
    let variable = |name: &str| std::env::var(name).ok();
    let port: u16 = variable("LINDLEY_API_PORT").expect("LINDLEY_API_PORT is set").parse().unwrap();
    if let Some(files) = variable("LINDLEY_API_FILES") {
        let files = files.parse().unwrap();
        let limit = rustix::process::Rlimit { current: Some(files), maximum: Some(files) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    }
    let token = variable("LINDLEY_API_TOKEN").map(|token| Token::new(&token));
    runtime().block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let api = Api::new(Arc::new(Embedded::default()), Arc::new(Nobody))
            .with_settings(Settings { token, ..Settings::default() });
        let (_running, stop) = watch::channel(false);
        serve(listener, api, stop, std::time::Duration::ZERO).await;
    });
}
