//! `live consume`: servers on a kept queue, for as long as they are wanted.

use std::net::SocketAddr;

use clap::Args;
use sim::console::{Console, Failure};

use super::kept::{Kept, KeptArguments, listen};
use super::token::TokenArguments;
use crate::api;
use crate::parts::Role;
use crate::store::StoreChoice;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Address at which Prometheus finds /metrics, beside /livez and /readyz
    #[arg(long, value_name = "ADDR:PORT", env = "LIVE_METRICS_BIND", default_value = "127.0.0.1:9464")]
    metrics_bind: SocketAddr,
    #[command(flatten)]
    token: TokenArguments,
    /// Servers in this process
    #[arg(long, value_name = "C", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1024))]
    servers: u32,
    #[command(flatten)]
    kept: KeptArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let token = arguments.token.token_for(arguments.metrics_bind)?;
    arguments.kept.refuse_private("consume")?;
    let mut kept = Kept::open(&arguments.kept, Role::Consume, StoreChoice::None, console)?;
    let runtime = kept.runtime();
    let consumed = runtime.block_on(async {
        let listener = listen(arguments.metrics_bind).await?;
        let address = listener.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
        let plant = kept.start(arguments.servers).await?;
        tracing::info!(servers = arguments.servers, broker = kept.broker.name(), metrics = %address, "consuming");
        let api = kept.api(token, &plant).observed_only();
        let serving = api::serve(listener, api, kept.stop.clone(), kept.grace);
        let (_, grace) = tokio::join!(serving, kept.grace_from_stop());
        Ok(plant.end(grace.left()).await)
    });
    kept.report(consumed, console)
}
