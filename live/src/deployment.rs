//! Where a run takes place: which broker, which kind of queue.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use clap::{Args, ValueEnum};

use crate::broker::{Broker, BrokerError, Embedded, Lifetime, RabbitMq, is_installed};
use crate::quiet::Quiet;

/// The deployment flags; they say where, a scenario says what.
#[derive(Debug, Clone, Args)]
pub struct Deployment {
    /// Broker: auto (AMQP_URL, else managed, else embedded), managed, embedded, or amqp://user:password@host:port/vhost
    #[arg(long, value_name = "BROKER", default_value = "auto", value_parser = Quiet::<BrokerChoice>::new())]
    broker: BrokerChoice,
    /// Kind of queue at a RabbitMQ broker
    #[arg(long, value_enum, default_value_t = QueueType::Classic)]
    queue_type: QueueType,
    /// URL that `--broker auto` uses; better from the environment, where other users do not see it
    #[arg(long, env = "AMQP_URL", hide_env_values = true, hide = true)]
    amqp_url: Option<String>,
}

/// Kind of queue at a RabbitMQ broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum QueueType {
    /// One copy, on one node.
    Classic,
    /// Replicated by consensus.
    Quorum,
}

impl QueueType {
    fn name(self) -> &'static str {
        match self {
            QueueType::Classic => "classic",
            QueueType::Quorum => "quorum",
        }
    }
}

/// How the broker is had.
#[derive(Clone, PartialEq, Eq)]
pub enum BrokerChoice {
    /// The best there is: `AMQP_URL`, else managed, else embedded.
    Auto,
    /// A private RabbitMQ node, for the length of the run.
    Managed,
    /// A queue inside this process.
    Embedded,
    /// A broker that is already running.
    Url(String),
}

impl fmt::Debug for BrokerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BrokerChoice::Auto => "auto",
            BrokerChoice::Managed => "managed",
            BrokerChoice::Embedded => "embedded",
            BrokerChoice::Url(_) => "amqp://…",
        })
    }
}

impl FromStr for BrokerChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(BrokerChoice::Auto),
            "managed" => Ok(BrokerChoice::Managed),
            "embedded" => Ok(BrokerChoice::Embedded),
            url if url.starts_with("amqp://") => Ok(BrokerChoice::Url(url.to_owned())),
            _ => Err("a broker is auto, managed, embedded, or amqp://user:password@host:port/vhost".into()),
        }
    }
}

/// An open broker, and what the user should know about how it was chosen.
pub struct Opened {
    /// The broker with its queue.
    pub broker: Arc<dyn Broker>,
    /// A warning in capitals where something else runs than one may think.
    pub warning: Option<String>,
}

impl Deployment {
    /// What `queue_type` will be in tables and files.
    pub fn queue_type_name(&self) -> &'static str {
        match self.resolved() {
            BrokerChoice::Embedded => "in-process",
            _ => self.queue_type.name(),
        }
    }

    fn resolved(&self) -> BrokerChoice {
        // An empty variable is an unset one.
        let amqp_url = self.amqp_url.as_ref().filter(|url| !url.is_empty());
        match (&self.broker, amqp_url) {
            (BrokerChoice::Auto, Some(url)) => BrokerChoice::Url(url.clone()),
            (BrokerChoice::Auto, None) if is_installed() => BrokerChoice::Managed,
            (BrokerChoice::Auto, None) => BrokerChoice::Embedded,
            (choice, _) => choice.clone(),
        }
    }

    /// Whether the broker would be this process's own, and end with it.
    pub fn is_private(&self) -> bool {
        !matches!(self.resolved(), BrokerChoice::Url(_))
    }

    /// Opens the broker and a queue on it; at a private broker every queue ends with the process.
    ///
    /// # Errors
    /// [`BrokerError`] if it cannot be had.
    pub async fn open(&self, queue: &str, lifetime: Lifetime) -> Result<Opened, BrokerError> {
        let resolved = self.resolved();
        let fallback = self.broker == BrokerChoice::Auto && resolved == BrokerChoice::Embedded;
        let warning = fallback.then(|| {
            "NO RABBITMQ IS INSTALLED: this run uses the embedded in-process queue, which has next to no \
             overhead; install rabbitmq-server to see a real one"
                .to_owned()
        });
        let kind = self.queue_type.name();
        let broker: Arc<dyn Broker> = match resolved {
            BrokerChoice::Embedded => Arc::new(Embedded::default()),
            BrokerChoice::Url(url) => Arc::new(RabbitMq::at(&url, kind, queue, lifetime).await?),
            BrokerChoice::Managed | BrokerChoice::Auto => Arc::new(RabbitMq::managed(kind, queue).await?),
        };
        Ok(Opened { broker, warning })
    }
}

/// A command line without its secrets: of a URL what stands before the host and behind the path is replaced by `…`, and
/// so is a token.
pub fn redacted(command: Vec<String>) -> Vec<String> {
    let mut is_token = false;
    let redact = |argument: String| {
        if std::mem::take(&mut is_token) || argument.starts_with("--token=") {
            return "…".to_owned();
        }
        is_token = argument == "--token";
        let Some((scheme, rest)) = argument.split_once("://") else { return argument };
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
        let host = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("…@{host}"));
        format!("{scheme}://{host}{query}")
    };
    command.into_iter().map(redact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_credential_survives_in_a_recorded_command() {
        let command = ["live", "run", "--broker=amqp://user:p@ss@host:5672/%2f", "a@b"].map(str::to_owned);
        assert_eq!(redacted(command.to_vec()), ["live", "run", "--broker=amqp://…@host:5672/%2f", "a@b"]);
        let more = [
            "--store",
            "postgres://h/d?user=u&password=s3",
            "--token",
            "s3",
            "--token=s3",
            "amqp://u@h/d?p=s3",
        ];
        let shown = ["--store", "postgres://h/d?…", "--token", "…", "…", "amqp://…@h/d?…"];
        assert_eq!(redacted(more.map(str::to_owned).to_vec()), shown);
    }

    #[test]
    fn a_url_never_shows_in_debug_output() {
        let choice: BrokerChoice = "amqp://user:secret@host".parse().unwrap();
        assert!(!format!("{choice:?}").contains("secret"));
    }

    #[test]
    fn an_unknown_broker_is_refused_with_the_known_ones() {
        assert!("kafka".parse::<BrokerChoice>().unwrap_err().contains("embedded"));
    }
}
