//! `live serve`: the API, with servers behind it, for as long as it is wanted.

use std::net::SocketAddr;

use clap::Args;
use sim::console::{Console, Failure};
use tokio::net::TcpListener;

use super::kept::{Kept, KeptArguments, listen};
use super::token::TokenArguments;
use crate::api;
use crate::parts::Role;
use crate::plant::Plant;
use crate::store::StoreChoice;

/// Where finished messages are kept unless somebody says otherwise.
const STORE: &str = "data/lindley.db";

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Address of the API
    #[arg(long, value_name = "ADDR:PORT", env = "LIVE_BIND", default_value = "127.0.0.1:8080")]
    bind: SocketAddr,
    #[command(flatten)]
    token: TokenArguments,
    /// Servers in this process; 0 leaves the work to `live consume`
    #[arg(long, value_name = "C", default_value = "1", value_parser = clap::value_parser!(u32).range(0..=1024))]
    servers: u32,
    #[command(flatten)]
    kept: KeptArguments,
}

pub(super) fn execute(arguments: &Arguments, console: &mut Console<'_>) -> Result<(), Failure> {
    let token = arguments.token.token_for(arguments.bind)?;
    let store = StoreChoice::Sqlite(STORE.into());
    let mut kept = Kept::open(&arguments.kept, Role::Serve, store, console)?;
    let runtime = kept.runtime();
    let served = runtime.block_on(async {
        let listener = listen(arguments.bind).await?;
        let plant = kept.start(arguments.servers).await?;
        serve(listener, &kept, token, plant).await
    });
    kept.report(served, console)
}

/// Serves until a signal asks for the end, then ends everything in order within the grace.
async fn serve(
    listener: TcpListener,
    kept: &Kept,
    token: Option<api::Token>,
    plant: Plant,
) -> Result<crate::plant::Leftovers, Failure> {
    let address = listener.local_addr().map_err(|error| Failure::Failed(error.to_string()))?;
    let api = kept.api(token, &plant);
    tracing::info!(%address, broker = kept.broker.name(), "serving; try http://{address}/docs");
    let serving = api::serve(listener, api, kept.stop.clone(), kept.grace);
    let (cut, grace) = tokio::join!(serving, kept.grace_from_stop());
    if cut > 0 {
        tracing::warn!(cut, "requests were cut off at the end of the grace");
    }
    if kept.is_private {
        plant.drain(grace.left()).await;
    }
    Ok(plant.end(grace.left()).await)
}
