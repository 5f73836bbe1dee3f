//! `/openapi.json` and `/docs`: the description of the API, for programs and for people.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderValue};
use utoipa_swagger_ui::Config;

use super::problem::{Problem, not_found};
use super::respond::{Reply, reply};
use super::{Api, openapi};

/// The description; with a token it says where the token is needed.
pub(super) fn openapi(api: &Api) -> Reply {
    static DOCUMENTS: LazyLock<[Bytes; 2]> = LazyLock::new(|| {
        [false, true]
            .map(|token| Bytes::from(serde_json::to_vec(&openapi::document(token)).expect("plain data")))
    });
    let document = DOCUMENTS[usize::from(api.settings.token.is_some())].clone();
    reply(StatusCode::OK, "application/json", document)
}

/// A file of Swagger UI, from this executable: nothing is loaded from elsewhere.
pub(super) fn docs(file: &str) -> Result<Reply, Problem> {
    static CONFIG: LazyLock<Arc<Config<'static>>> =
        LazyLock::new(|| Arc::new(Config::from("/openapi.json").display_request_duration(true)));
    if file.is_empty() {
        // The page names its files relative to a directory.
        let mut response = reply(StatusCode::PERMANENT_REDIRECT, "text/plain", "see /docs/\n");
        response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/docs/"));
        return Ok(response);
    }
    let found = utoipa_swagger_ui::serve(file, Arc::clone(&CONFIG)).ok().flatten();
    let found = found.ok_or_else(|| not_found(&format!("/docs/{file}")))?;
    let bytes = match found.bytes {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => Bytes::from(bytes),
    };
    let mut response = reply(StatusCode::OK, "application/octet-stream", bytes);
    if let Ok(kind) = HeaderValue::try_from(found.content_type) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    if found.gzpipped {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
