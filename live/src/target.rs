//! Where requests go: an HTTP address, and what it wants to be shown.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use hyper::body::Body;
use hyper::client::conn::http1::{self, SendRequest};

/// Where messages are submitted unless the URL has a path of its own.
const INGEST: &str = "/ingest";

/// How long a connection may take; a host that has vanished would take minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP server and a path on it.
#[derive(Clone)]
pub struct Target {
    address: SocketAddr,
    authority: HeaderValue,
    path: String,
    authorization: Option<HeaderValue>,
}

/// Why a target cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The URL cannot be read, or asks for what is not spoken here.
    #[error(
        "`{url}`: {problem}\n  rule: http://host:port, or http://host:port/path\n  remedy: correct the URL; the token comes from LIVE_TOKEN or --token-file"
    )]
    BadUrl {
        /// The URL as it was given, without what may be a password.
        url: String,
        /// What is wrong.
        problem: String,
    },
    /// Nobody knows the host.
    #[error("{host} has no address: {reason}\n  remedy: check the name")]
    NoAddress {
        /// The host.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// The server cannot be reached, or does not speak HTTP.
    #[error("the server at {address} cannot be used: {reason}\n  remedy: check that it runs, and the URL")]
    Unusable {
        /// Where it was looked for.
        address: SocketAddr,
        /// What went wrong.
        reason: String,
    },
}

impl Target {
    /// The target with this URL; its name is looked up now.
    ///
    /// # Errors
    /// [`TargetError`] if it is no plain HTTP URL, or its host has no address.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        let bad = |problem: &str| {
            let shown = url.rsplit_once('@').map_or(url.to_owned(), |(_, host)| format!("…@{host}"));
            TargetError::BadUrl { url: shown, problem: problem.to_owned() }
        };
        let uri: Uri = url.parse().map_err(|_| bad("this is no URL"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => return Err(bad("only http is spoken here, not TLS")),
            _ => return Err(bad("it does not begin with http://")),
        }
        let authority = uri.authority().ok_or_else(|| bad("there is no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad("a URL may hold no credentials"));
        }
        let host = authority.host();
        let port = authority.port_u16().unwrap_or(80);
        let lookup = (host.trim_matches(['[', ']']), port).to_socket_addrs();
        let unknown = |reason: String| TargetError::NoAddress { host: host.to_owned(), reason };
        let address = lookup.map_err(|error| unknown(error.to_string()))?.next();
        let address = address.ok_or_else(|| unknown("the resolver knows none".to_owned()))?;
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path == "/" { INGEST } else { path }.to_owned();
        let authority = HeaderValue::try_from(authority.as_str()).map_err(|_| bad("the host is no name"))?;
        Ok(Target { address, authority, path, authorization: None })
    }

    /// The ingestion path of a server in this process.
    pub fn local(address: SocketAddr) -> Self {
        let authority = HeaderValue::from_static("localhost");
        Target { address, authority, path: INGEST.to_owned(), authorization: None }
    }

    /// The same target, which is shown a bearer token.
    pub fn with_authorization(self, authorization: Option<HeaderValue>) -> Self {
        Target { authorization, ..self }
    }

    /// Another path of the same server.
    pub fn at(&self, path: &str) -> Self {
        Target { path: path.to_owned(), ..self.clone() }
    }

    /// Whether this is where the project's own API takes messages.
    pub fn is_ingestion(&self) -> bool {
        self.path == INGEST
    }

    /// Begins a request to the target, with the headers that every one has.
    pub fn request(&self, method: hyper::Method) -> hyper::http::request::Builder {
        let request = hyper::Request::builder().method(method).uri(&self.path);
        let request = request.header(hyper::header::HOST, &self.authority);
        match &self.authorization {
            Some(authorization) => request.header(hyper::header::AUTHORIZATION, authorization),
            None => request,
        }
    }

    /// A new connection, and the future that drives it.
    ///
    /// # Errors
    /// [`TargetError::Unusable`] if it cannot be had.
    pub async fn connect<B>(
        &self,
    ) -> Result<(SendRequest<B>, impl Future<Output = hyper::Result<()>> + use<B>), TargetError>
    where
        B: Body + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let unusable = |reason: String| TargetError::Unusable { address: self.address, reason };
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(self.address)).await;
        let connected =
            connecting.map_err(|_| unusable(format!("no connection within {CONNECT_TIMEOUT:?}")))?;
        let stream = connected.map_err(|error| unusable(error.to_string()))?;
        // A request must not wait for the acknowledgement of the one before.
        stream.set_nodelay(true).map_err(|error| unusable(error.to_string()))?;
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| unusable(error.to_string()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}{}", self.authority.to_str().unwrap_or("?"), self.path)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Target({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_without_a_path_means_the_ingestion() {
        for (url, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/ingest"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/ingest"),
            ("http://[::1]:9/a?b=c", "http://[::1]:9/a?b=c"),
        ] {
            assert_eq!(Target::parse(url).unwrap().to_string(), shown);
        }
        assert_eq!(Target::parse("http://127.0.0.1").unwrap().address.port(), 80);
    }

    #[test]
    fn what_is_not_spoken_is_refused_without_showing_a_password() {
        for (url, part) in [
            ("https://127.0.0.1:1", "not TLS"),
            ("127.0.0.1:1", "http"),
            ("http://", "no URL"),
            ("http://user:s3cret@127.0.0.1:1", "no credentials"),
        ] {
            let error = Target::parse(url).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("s3cret"), "{url}: {error}");
        }
    }

    #[test]
    fn a_token_is_sent_and_not_shown() {
        let mut token = HeaderValue::from_static("Bearer s3cret");
        token.set_sensitive(true);
        let target = Target::parse("http://127.0.0.1:1").unwrap().with_authorization(Some(token));
        let request = target.request(hyper::Method::GET).body(()).unwrap();
        assert_eq!(request.headers()[hyper::header::AUTHORIZATION], "Bearer s3cret");
        assert!(!format!("{target:?} {request:?}").contains("s3cret"));
    }
}
