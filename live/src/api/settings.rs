//! What the API may be told.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How the API is to serve.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What a client must show, except at `/livez`, `/readyz`, `/docs` and `/openapi.json`; `None`: nothing.
    pub token: Option<Token>,
    /// What a client may ask for.
    pub limits: Limits,
}

/// Longest token, bytes: the head of a request must have room for it.
const LONGEST_TOKEN: usize = 4096;

/// A secret that clients show as `Authorization: Bearer …`.
///
/// Only its digest is kept: there is nothing here to leak into a log, and all comparisons take the same time.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
}

impl Token {
    /// The token with this text.
    pub fn new(text: &str) -> Self {
        Token { digest: digest(text.as_bytes()) }
    }

    /// Whether a client has shown this token; takes the same time for every wrong one of the same length.
    pub fn is(&self, shown: &[u8]) -> bool {
        digest(shown).ct_eq(&self.digest).into()
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // What a header cannot carry no client can show.
        match text.bytes().all(|byte| byte.is_ascii_graphic()) && (1..=LONGEST_TOKEN).contains(&text.len()) {
            true => Ok(Token::new(text)),
            false => Err(format!("a token has 1 to {LONGEST_TOKEN} characters, all of them visible ASCII")),
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(hidden)")
    }
}

/// SHA-256.
pub(super) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What a client may ask for; whatever exceeds a limit is refused and never queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time from the first byte of a request's head, or from the connection, to the head's end.
    pub header_timeout: Duration,
    /// Time for which a connection may stay open between two requests.
    pub idle_timeout: Duration,
    /// Time from a request's head to the end of its body.
    pub body_timeout: Duration,
    /// Time for which a client may take no byte of its response.
    pub write_timeout: Duration,
    /// Time for the broker's confirm; after it the outcome is unknown.
    pub confirm_timeout: Duration,
    /// Largest body that is read, bytes.
    pub body_bytes: usize,
    /// Most headers of a request.
    pub headers: usize,
    /// Longest head of a request, bytes; at least 8192.
    pub header_bytes: usize,
    /// Most connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// Most publishes without a confirm at a time; more are refused.
    pub publishes_in_flight: usize,
    /// Most submissions of a batch.
    pub batch_items: usize,
    /// Messages whose ids are remembered: for repeated keys, and for `GET /messages/{id}` without a store.
    pub recent_keys: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            header_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
            write_timeout: Duration::from_secs(10),
            confirm_timeout: Duration::from_secs(30),
            body_bytes: 256 * 1024,
            headers: 64,
            header_bytes: 16 * 1024,
            connections: 4_096,
            publishes_in_flight: 1_024,
            batch_items: 1_000,
            recent_keys: 100_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_knows_itself_and_shows_nothing() {
        let token = Token::new("s3cret-value");
        assert!(token.is(b"s3cret-value"));
        assert!(!token.is(b"s3cret-valuf") && !token.is(b"s3cret-valu") && !token.is(b""));
        let settings = Settings { token: Some(token), ..Settings::default() };
        assert!(!format!("{settings:?}").contains("s3cret"));
    }
}
