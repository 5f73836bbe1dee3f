//! The bearer token of the API, and who may bind where without one.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use hyper::header::HeaderValue;
use sim::console::Failure;

use crate::api::Token;
use crate::quiet::Quiet;

/// Flags of whoever listens.
#[derive(Debug, Clone, Args)]
pub(super) struct TokenArguments {
    /// File with the bearer token that clients must show
    #[arg(long, value_name = "FILE", env = "LIVE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The bearer token itself; only from the environment, where other users do not see it
    #[arg(long, env = "LIVE_TOKEN", hide_env_values = true, hide = true, value_parser = Quiet::<Given>::new())]
    token: Option<Given>,
    /// Listen beyond loopback without a token
    #[arg(long)]
    allow_anonymous: bool,
}

/// Flags of whoever asks a server that may want a token.
#[derive(Debug, Clone, Args)]
pub(super) struct ShownTokenArguments {
    /// File with the bearer token to show
    #[arg(long, value_name = "FILE", env = "LIVE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The bearer token itself; only from the environment, where other users do not see it
    #[arg(long, env = "LIVE_TOKEN", hide_env_values = true, hide = true, value_parser = Quiet::<Shown>::new())]
    token: Option<Shown>,
}

impl ShownTokenArguments {
    /// The header that shows the token, if there is one.
    ///
    /// # Errors
    /// [`Failure::BadInput`] if the file cannot be read.
    pub fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        match (&self.token_file, &self.token) {
            (Some(path), _) => Ok(read::<Shown>(path)?.0),
            (None, given) => Ok(given.clone().and_then(|Shown(header)| header)),
        }
    }
}

/// A token to be shown; an empty variable is an unset one.
#[derive(Debug, Clone)]
struct Shown(Option<HeaderValue>);

impl FromStr for Shown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Shown(None));
        }
        // The rules of a token are those of the server's.
        let _: Token = text.parse()?;
        let mut header =
            HeaderValue::try_from(format!("Bearer {text}")).map_err(|error| error.to_string())?;
        header.set_sensitive(true);
        Ok(Shown(Some(header)))
    }
}

/// A token from the environment; an empty variable is an unset one.
#[derive(Debug, Clone)]
struct Given(Option<Token>);

impl FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Given(None));
        }
        text.parse().map(|token| Given(Some(token)))
    }
}

impl TokenArguments {
    /// The token, if one is configured; an address beyond loopback needs one, or to be asked for.
    ///
    /// # Errors
    /// [`Failure::BadInput`] if the file cannot be read, or the address is open to others without a token.
    pub fn token_for(&self, bind: SocketAddr) -> Result<Option<Token>, Failure> {
        let token = match (&self.token_file, &self.token) {
            (Some(path), _) => Some(read(path)?),
            (None, given) => given.clone().and_then(|Given(token)| token),
        };
        if token.is_none() && !bind.ip().is_loopback() && !self.allow_anonymous {
            return Err(Failure::BadInput(format!(
                "{bind} is open to other machines and there is no token\n  rule: beyond loopback clients must show a \
                 bearer token\n  remedy: set LIVE_TOKEN or --token-file, or --allow-anonymous if the network is \
                 trusted"
            )));
        }
        Ok(token)
    }
}

fn read<T: FromStr<Err = String>>(path: &Path) -> Result<T, Failure> {
    let bad = |what: String| {
        Failure::BadInput(format!(
            "{}: {what}\n  rule: a file with one bearer token\n  remedy: correct --token-file",
            path.display()
        ))
    };
    let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    text.trim().parse().map_err(bad)
}
