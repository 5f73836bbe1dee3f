//! What ties a request to its message and its log lines.

use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

use crate::message::TRACEPARENT;

/// Header by which a client names its request; every response has it.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest request id that is taken over, bytes.
const LONGEST_REQUEST_ID: usize = 128;

/// The client's own name for its request, or a new one.
pub(super) fn request_id(headers: &HeaderMap) -> HeaderValue {
    let fits = |id: &&HeaderValue| {
        (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    headers.get(REQUEST_ID).filter(fits).cloned().unwrap_or_else(|| {
        let id = format!("{:032x}", rand::random::<u128>());
        HeaderValue::try_from(id).expect("hexadecimal digits are visible")
    })
}

/// The trace context of a request in version 00: its own if that is valid, else a new one.
///
/// # References
/// W3C, *Trace Context*, Recommendation, 2021.
pub(super) fn traceparent(headers: &HeaderMap) -> String {
    let own = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(valid);
    own.unwrap_or_else(|| {
        // The identifiers must not be zero.
        let (trace, parent) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
        format!("00-{trace:032x}-{parent:016x}-01")
    })
}

/// A trace context that may be passed on. Of a later version only the part that version 00 knows is.
fn valid(text: &str) -> Option<String> {
    let (known, rest) = text.split_at_checked(55)?;
    let mut parts = known.split('-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let hexadecimal = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == digits && part.bytes().all(hexadecimal)).then_some(part)
    };
    let (version, trace, parent, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    let complete = if version == "00" { rest.is_empty() } else { rest.is_empty() || rest.starts_with('-') };
    let valid = version != "ff" && complete && !zero(trace) && !zero(parent);
    valid.then(|| format!("00-{trace}-{parent}-{flags}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_a_valid_trace_context_is_passed_on() {
        assert_eq!(valid(GOOD).unwrap(), GOOD);
        assert_eq!(valid(&GOOD.replace("00-4", "cc-4")).unwrap(), GOOD);
        assert_eq!(valid(&format!("{}-what-comes-later", GOOD.replace("00-4", "cc-4"))).unwrap(), GOOD);
        for wrong in [
            String::new(),
            "é".repeat(40),
            GOOD.replace("00-4", "ff-4"),
            GOOD.to_uppercase(),
            format!("{GOOD}-more"),
            format!("{GOOD} "),
            GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            GOOD.replace("b7-01", "b7-0g"),
            GOOD.replace("b7-01", "b-701"),
            GOOD.replace("00-4", "00_4"),
        ] {
            assert_eq!(valid(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_without_a_context_begins_a_valid_trace() {
        let begun = traceparent(&HeaderMap::new());
        assert_eq!(valid(&begun).as_ref(), Some(&begun));
        assert_ne!(begun, traceparent(&HeaderMap::new()));
    }

    #[test]
    fn a_request_keeps_its_own_id_if_that_is_fit_for_a_log() {
        let id = |value: &str| {
            let headers = HeaderMap::from_iter([(REQUEST_ID, HeaderValue::try_from(value).unwrap())]);
            request_id(&headers).to_str().unwrap().to_owned()
        };
        assert_eq!(id("order-17"), "order-17");
        for unfit in ["", "two words", &"x".repeat(129)] {
            assert_eq!(id(unfit).len(), 32, "{unfit:?}");
        }
    }
}
