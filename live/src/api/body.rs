//! Reading a request's body, as much as is allowed and no longer.

use std::fmt::Display;
use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::HeaderMap;
use hyper::body::Body;
use hyper::header;

use super::Limits;
use super::problem::{Kind, Problem, late};

/// The whole body.
///
/// A body that says that it is too large is refused before a byte of it is read.
pub(super) async fn read<B>(body: B, limits: &Limits) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    if body.size_hint().lower() > limits.body_bytes as u64 {
        return Err(too_large(limits));
    }
    match tokio::time::timeout(limits.body_timeout, collect(body, limits)).await {
        Ok(answer) => answer,
        Err(_elapsed) => Err(late("body", limits.body_timeout)),
    }
}

async fn collect<B>(body: B, limits: &Limits) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Display,
{
    let mut body = pin!(body);
    let mut whole = Bytes::new();
    // Most bodies are one frame, which is passed on as it came.
    let mut more = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + more.len() + data.len() > limits.body_bytes {
            return Err(too_large(limits));
        }
        if whole.is_empty() && more.is_empty() {
            whole = data;
        } else {
            more.extend_from_slice(&std::mem::take(&mut whole));
            more.extend_from_slice(&data);
        }
    }
    Ok(if more.is_empty() { whole } else { more.freeze() })
}

fn too_large(limits: &Limits) -> Problem {
    let detail = format!("the body exceeds the limit of {} bytes; send less at a time", limits.body_bytes);
    Problem::new(Kind::BodyTooLarge, detail)
}

fn broken(error: &impl Display) -> Problem {
    Problem::new(Kind::BadRequest, format!("the body broke off or is malformed: {error}"))
}

/// Requires that the body is JSON as it stands.
pub(super) fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && !coding.as_bytes().eq_ignore_ascii_case(b"identity")
    {
        let detail = "the body is compressed; send it without Content-Encoding";
        return Err(Problem::new(Kind::UnsupportedMediaType, detail));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = kind.split(';').next().unwrap_or("").trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = format!("the content type is {kind:?}; send application/json");
    Err(Problem::new(Kind::UnsupportedMediaType, detail))
}
