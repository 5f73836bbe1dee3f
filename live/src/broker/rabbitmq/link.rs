//! One connection that is watched, and made again when it is lost.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties, ErrorKind};

use super::unreachable;
use crate::backoff::Backoff;
use crate::broker::{BrokerError, Obstacle, Pending};

/// How often the connection is looked at; also the longest time that a loss stays unnoticed here. Publishers look
/// for themselves.
const LOOK: Duration = Duration::from_millis(50);

/// Delay before a lost connection is tried again, at first and at most.
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// How often a connection is tried to be closed.
const CLOSINGS: u32 = 40;

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What is to be done on each new connection, and now and then on the one that is there.
pub(super) trait Tenant: Send + Sync + 'static {
    /// Sets everything up on a new connection.
    fn move_in(&self, connection: Arc<Connection>) -> Pending<'_, Result<(), BrokerError>>;

    /// Mends what can be mended on a connection that is there.
    fn tend(&self, connection: &Arc<Connection>) -> Pending<'_, Result<(), BrokerError>>;
}

/// A supervised connection.
pub(super) struct Link {
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    connection: Mutex<Option<Arc<Connection>>>,
    obstacle: Mutex<Option<Obstacle>>,
    outages: AtomicU64,
    closing: AtomicBool,
}

impl State {
    fn set(&self, connection: Option<Arc<Connection>>, obstacle: Option<Obstacle>) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = connection;
        *self.obstacle.lock().unwrap_or_else(PoisonError::into_inner) = obstacle;
    }
}

impl Link {
    /// Connects, lets the tenant move in, and watches from then on.
    ///
    /// # Errors
    /// [`BrokerError`] if the first connection cannot be had; later losses are tried again for ever.
    pub async fn open(uri: &AMQPUri, tenant: Arc<dyn Tenant>) -> Result<Self, BrokerError> {
        let connection = connect(uri, &tenant).await?;
        let state = Arc::<State>::default();
        state.set(Some(Arc::clone(&connection)), None);
        tokio::spawn(watch(Arc::clone(&state), uri.clone(), tenant, connection));
        Ok(Link { state })
    }

    /// The connection, if there is one.
    pub fn connection(&self) -> Option<Arc<Connection>> {
        self.state.connection.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What is in the way just now.
    pub fn obstacle(&self) -> Option<Obstacle> {
        if let Some(obstacle) = self.state.obstacle.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Some(obstacle);
        }
        let lost = self.connection().is_none_or(|connection| !connection.status().connected());
        lost.then(|| Obstacle::Disconnected("the connection is lost".into()))
    }

    /// How often the connection was lost.
    pub fn outages(&self) -> u64 {
        self.state.outages.load(SeqCst)
    }

    /// Stops watching; the connection is then the caller's to close.
    pub fn release(&self) {
        self.state.closing.store(true, SeqCst);
    }

    /// Closes the connection for good.
    pub async fn close(&self) -> Result<(), BrokerError> {
        self.release();
        match self.connection() {
            Some(connection) => close(&connection).await,
            None => Ok(()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.release();
    }
}

/// Closes a connection that may be closed already.
///
/// The client library closes the channels first, and refuses to if one of them is just being closed by its last owner;
/// a moment later that is over.
pub(super) async fn close(connection: &Connection) -> Result<(), BrokerError> {
    for _ in 0..CLOSINGS {
        if !connection.status().connected() {
            return Ok(());
        }
        match connection.close(200, "done".into()).await {
            Ok(()) => return Ok(()),
            Err(error) if matches!(error.kind(), ErrorKind::InvalidChannelState(..)) => {
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => return Err(super::closed(&error)),
        }
    }
    Err(BrokerError::Closed("a channel is being closed and does not come to an end".into()))
}

async fn connect(uri: &AMQPUri, tenant: &Arc<dyn Tenant>) -> Result<Arc<Connection>, BrokerError> {
    let properties = ConnectionProperties::default().with_connection_name("lindley".into());
    // Boxed: the client's own future is large.
    let connecting = Box::pin(Connection::connect_uri(uri.clone(), properties));
    let attempt = async {
        let connection = Arc::new(connecting.await.map_err(|error| unreachable(uri, &error))?);
        tenant.move_in(Arc::clone(&connection)).await?;
        Ok(connection)
    };
    match tokio::time::timeout(ATTEMPT, attempt).await {
        Ok(connected) => connected,
        Err(_) => Err(BrokerError::Unavailable(format!(
            "the broker at {} did not answer within {ATTEMPT:?}\n  remedy: check that it runs and is not stopped",
            super::place(uri)
        ))),
    }
}

/// Watches a connection until the link is closed; replaces it when it is lost.
async fn watch(state: Arc<State>, uri: AMQPUri, tenant: Arc<dyn Tenant>, mut connection: Arc<Connection>) {
    loop {
        while connection.status().connected() {
            if state.closing.load(SeqCst) {
                return;
            }
            if let Err(error) = tenant.tend(&connection).await {
                tracing::debug!(%error, "tending the connection failed");
            }
            tokio::time::sleep(LOOK).await;
        }
        if state.closing.load(SeqCst) {
            return;
        }
        state.outages.fetch_add(1, SeqCst);
        tracing::warn!(broker = super::place(&uri), "the connection to the broker is lost");
        state.set(None, Some(Obstacle::Disconnected("the connection is lost".into())));
        match again(&state, &uri, &tenant).await {
            Some(new) => connection = new,
            None => return,
        }
        tracing::info!(broker = super::place(&uri), "the connection to the broker is back");
        state.set(Some(Arc::clone(&connection)), None);
    }
}

/// Tries to connect until it works or the link is closed.
async fn again(state: &State, uri: &AMQPUri, tenant: &Arc<dyn Tenant>) -> Option<Arc<Connection>> {
    let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
    loop {
        // Jitter keeps the clients of a broker that comes back from arriving all at once.
        tokio::time::sleep(backoff.delay()).await;
        if state.closing.load(SeqCst) {
            return None;
        }
        match connect(uri, tenant).await {
            Ok(connection) => return Some(connection),
            Err(error) => {
                let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
                tracing::warn!(reason, "the broker is tried again");
                state.set(None, Some(Obstacle::Disconnected(reason)));
            }
        }
    }
}
