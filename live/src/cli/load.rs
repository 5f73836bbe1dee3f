//! Flags that say where a driver's jobs go, and in which form.

use std::sync::Arc;

use clap::Args;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{HeaderMap, Method};
use sim::console::Failure;
use tokio::runtime::Runtime;

use super::session::unopened;
use super::token::ShownTokenArguments;
use crate::broker::{Broker, Lifetime};
use crate::deployment::Deployment;
use crate::driver::{Form, Outlet, Template};
use crate::pipeline::Via;
use crate::target::{Target, TargetError};

/// Where jobs go, and in which form.
#[derive(Debug, Args)]
pub(super) struct LoadArguments {
    /// The API, `live serve` at http://host:port, or any HTTP server at http://host:port/path
    #[arg(long, value_name = "URL", required_unless_present_any = ["via"])]
    target: Option<String>,
    #[command(flatten)]
    token: ShownTokenArguments,
    /// HTTP method
    #[arg(long, value_name = "METHOD", default_value = "POST")]
    method: Method,
    /// A header of every request; several may be given
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Body of a request, with {id}, {job}, {demand_s} and {timestamp} filled in; @FILE reads it from a file [default: the API's]
    #[arg(long, value_name = "TEMPLATE")]
    body: Option<String>,
    /// How jobs reach the broker: through the API, or straight (with AMQP_URL and --queue)
    #[arg(long, value_enum, value_name = "WAY", default_value_t)]
    via: Via,
    #[command(flatten)]
    deployment: Deployment,
    /// Name of the queue, with --via amqp
    #[arg(long, value_name = "NAME", env = "LIVE_QUEUE", default_value = "lindley.ingest")]
    queue: String,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || "a header is NAME: VALUE".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let name = name.trim().parse().map_err(|_| wrong())?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
    // It may be a credential.
    value.set_sensitive(true);
    Ok((name, value))
}

/// Where jobs go, open.
pub(super) struct Load {
    pub outlet: Outlet,
    /// Servers whose clocks are to be read, the API first.
    pub clocks: Vec<Target>,
    /// Whether a pipeline of this program is behind it.
    pub is_ours: bool,
}

impl Load {
    /// Closes what is open; returns how often a connection was lost.
    pub async fn close(&self) -> u64 {
        match &self.outlet {
            Outlet::Http(..) => 0,
            Outlet::Amqp(broker) => {
                let outages = broker.outages();
                // A broker that is gone need not be taken leave of.
                let _ = broker.close().await;
                outages
            }
        }
    }
}

impl LoadArguments {
    /// Opens what the jobs are to go to; `peers` are further servers whose clocks are to be read.
    ///
    /// # Errors
    /// [`Failure`] if something cannot be read, found or opened.
    pub fn open(&self, peers: &[String], runtime: &Runtime) -> Result<Load, Failure> {
        let authorization = self.token.authorization()?;
        let parse = |url: &String| {
            let target = Target::parse(url).map_err(|error| match error {
                TargetError::BadUrl { .. } => Failure::BadInput(error.to_string()),
                _ => Failure::Failed(error.to_string()),
            })?;
            Ok(target.with_authorization(authorization.clone()))
        };
        let mut clocks: Vec<Target> = peers.iter().map(parse).collect::<Result<_, Failure>>()?;
        if self.via == Via::Amqp {
            let outlet = Outlet::Amqp(self.broker(runtime)?);
            return Ok(Load { outlet, clocks, is_ours: true });
        }
        let Some(url) = &self.target else {
            return Err(Failure::BadInput(
                "no --target\n  rule: jobs go to an HTTP server, or with --via amqp to a broker\n  remedy: --target \
                 http://127.0.0.1:8080"
                    .to_owned(),
            ));
        };
        let target = parse(url)?;
        clocks.insert(0, target.clone());
        let is_ours = self.body.is_none() && self.method == Method::POST && target.is_ingestion();
        Ok(Load { outlet: Outlet::http(target, self.form()?), clocks, is_ours })
    }

    fn broker(&self, runtime: &Runtime) -> Result<Arc<dyn Broker>, Failure> {
        if self.target.is_some() || self.deployment.is_private() {
            return Err(Failure::BadInput(
                "--via amqp goes to a broker that consumers can reach, and to no --target\n  rule: one way for all \
                 jobs\n  remedy: AMQP_URL=amqp://user:password@host:port/vhost in the environment, and --queue"
                    .to_owned(),
            ));
        }
        let opened = runtime.block_on(self.deployment.open(&self.queue, Lifetime::Kept));
        Ok(opened.map_err(unopened)?.broker)
    }

    fn form(&self) -> Result<Form, Failure> {
        let body = match &self.body {
            None => None,
            Some(text) => Some(match text.strip_prefix('@') {
                None => Template::parse(text),
                Some(file) => Template::parse(&std::fs::read_to_string(file).map_err(|error| {
                    Failure::BadInput(format!(
                        "--body @{file}: {error}\n  rule: a file with the body of a request\n  remedy: correct the path"
                    ))
                })?),
            }),
        };
        let headers = HeaderMap::from_iter(self.headers.iter().cloned());
        Ok(Form { method: self.method.clone(), headers, body })
    }
}
