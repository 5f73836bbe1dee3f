//! Accepting connections, and letting go of them.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use super::Api;
use super::Limits;
use super::wire::Wire;

/// Time after which accepting is tried again when the system has no more files or memory for it.
const BACKOFF: Duration = Duration::from_millis(100);

/// Serves the API until `stop` becomes true or its sender is gone; returns how many requests were cut off.
///
/// After `stop` no connection is accepted, idle ones are closed, and what is in flight has `grace` to finish.
/// Dropping the future cuts off everything at once.
pub async fn serve(
    listener: TcpListener,
    api: impl Into<Arc<Api>>,
    mut stop: watch::Receiver<bool>,
    grace: Duration,
) -> usize {
    let api = api.into();
    let limits = Arc::new(api.settings.limits.clone());
    let server = Server {
        router: api.router(),
        limits: Arc::clone(&limits),
        in_flight: Arc::default(),
        stop: stop.clone(),
    };
    let mut door = Door { listener, places: Arc::new(Semaphore::new(limits.connections)), is_starved: false };
    // Dropping the set ends its tasks.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => {}
            Some((stream, place)) = door.accept() => {
                let conversation = server.clone().converse(stream);
                connections.spawn(async move {
                    conversation.await;
                    drop(place);
                });
            }
        }
    }
    drop(door);
    let finished = async { while connections.join_next().await.is_some() {} };
    match tokio::time::timeout(grace, finished).await {
        Ok(()) => 0,
        Err(_elapsed) => server.in_flight.load(Relaxed),
    }
}

/// Serves the API until the future is dropped.
pub async fn serve_forever(listener: TcpListener, api: impl Into<Arc<Api>>) {
    let (_running, stop) = watch::channel(false);
    serve(listener, api, stop, Duration::ZERO).await;
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    is_starved: bool,
}

impl Door {
    /// The next connection, once there is a place for it; `None` if it was gone before it was accepted.
    async fn accept(&mut self) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let place = Arc::clone(&self.places).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, _)) => {
                self.is_starved = false;
                // Small responses must not wait for the acknowledgement of earlier packets.
                let _ = stream.set_nodelay(true);
                Some((stream, place))
            }
            Err(error) if is_of_one_connection(&error) => None,
            Err(error) => {
                if !self.is_starved {
                    tracing::warn!(%error, "connections cannot be accepted; check the limit on open files");
                    self.is_starved = true;
                }
                tokio::time::sleep(BACKOFF).await;
                None
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What the connections share.
#[derive(Clone)]
struct Server {
    router: Router,
    limits: Arc<Limits>,
    in_flight: Arc<AtomicUsize>,
    stop: watch::Receiver<bool>,
}

impl Server {
    /// Answers the requests of one connection to its end.
    async fn converse(mut self, stream: TcpStream) {
        let (wire, phase) = Wire::new(stream, Arc::clone(&self.limits));
        let (router, in_flight) = (self.router.clone(), Arc::clone(&self.in_flight));
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            phase.begin();
            let (mut router, phase) = (router.clone(), phase.clone());
            let counted = Counted::new(Arc::clone(&in_flight));
            Box::pin(async move {
                let response = router.call(request).await;
                phase.end();
                drop(counted);
                response
            })
        });
        // Hyper's own limit of 100 headers costs nothing; the lower one of the settings is checked with the route.
        let mut connection = http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(self.limits.header_bytes)
            .serve_connection(wire, service);
        let mut stopping = false;
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = poll_fn(|context| connection.poll_without_shutdown(context)) => break outcome,
                _ = self.stop.wait_for(|stop| *stop), if !stopping => {
                    stopping = true;
                    std::pin::Pin::new(&mut connection).graceful_shutdown();
                }
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%error, "a connection failed");
        }
        let parts = connection.into_parts();
        parts.io.finish(!parts.read_buf.is_empty()).await;
    }
}

/// A request that is counted while it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(in_flight: Arc<AtomicUsize>) -> Self {
        in_flight.fetch_add(1, Relaxed);
        Counted(in_flight)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
