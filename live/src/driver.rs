//! The open-loop driver: every job is sent when it is due, whatever became of the ones before.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::clock::{RunClock, nanoseconds, sharpen_timers};
use crate::message::job_body;
use crate::pacer::Pacer;
use crate::recorder::{Recorder, Stamp};

/// Connections opened before the first job is due.
const WARM_CONNECTIONS: usize = 8;

/// Most connections; beyond them jobs wait in the driver, their due time running.
const MOST_CONNECTIONS: usize = 256;

/// How long a response may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the driver could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DriverError {
    /// The runtime, the timer or the first connections failed.
    #[error("the driver could not start: {0}\n  remedy: check the limits on open files and threads")]
    Start(#[from] std::io::Error),
    /// The API did not speak HTTP.
    #[error("the API at {target} cannot be used: {message}")]
    Target {
        /// Where the API was expected.
        target: SocketAddr,
        /// What went wrong.
        message: String,
    },
}

/// Sends every job of the recorder at its due time; returns when all are answered or `stop` becomes true.
///
/// Runs its own single-threaded runtime: one thread owns the pace, the sockets and the responses, so
/// no job waits for another thread to wake. Call it from a thread of its own.
///
/// # Errors
/// [`DriverError`] if the first connections cannot be had. Later failures are charged to their jobs.
pub fn drive(
    target: SocketAddr,
    clock: RunClock,
    recorder: &Arc<Recorder>,
    mut stop: watch::Receiver<bool>,
) -> Result<(), DriverError> {
    sharpen_timers();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let pool = Rc::new(Pool { target, clock, recorder: Arc::clone(recorder), state: RefCell::default() });
        for _ in 0..WARM_CONNECTIONS {
            let connection = pool.connect().await?;
            let mut state = pool.state.borrow_mut();
            state.open += 1;
            state.idle.push(connection);
        }
        let mut pacer = Pacer::new(clock)?;
        for index in 0..recorder.len() {
            let request = pool.request(index);
            tokio::select! {
                biased;
                Ok(_) = stop.wait_for(|stop| *stop) => return Ok(()),
                () = pacer.wait_until(nanoseconds(recorder.job(index).due_s)) => {}
            }
            pool.send(index, request);
            // Gives the connection's task its turn to write before the next wait.
            tokio::task::yield_now().await;
        }
        while pool.state.borrow().in_flight > 0 && !*stop.borrow() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    })
}

type Connection = SendRequest<Full<Bytes>>;

/// Keep-alive connections to the API, opened on demand.
struct Pool {
    target: SocketAddr,
    clock: RunClock,
    recorder: Arc<Recorder>,
    state: RefCell<PoolState>,
}

#[derive(Default)]
struct PoolState {
    idle: Vec<Connection>,
    open: usize,
    in_flight: usize,
    waiting: VecDeque<(usize, Request<Full<Bytes>>)>,
}

impl Pool {
    async fn connect(&self) -> Result<Connection, DriverError> {
        let target = self.target;
        let unusable = |message: String| DriverError::Target { target, message };
        let stream = TcpStream::connect(target).await.map_err(|error| unusable(error.to_string()))?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| unusable(error.to_string()))?;
        // The connection's own errors reach the request that was on it.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(sender)
    }

    /// The request of a job, made before it is due.
    fn request(&self, index: usize) -> Request<Full<Bytes>> {
        let job = self.recorder.job(index);
        let now = OffsetDateTime::now_utc().to_offset(UtcOffset::UTC);
        let timestamp = now.format(&Rfc3339).expect("the years of this era can be written");
        Request::post("/ingest")
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("idempotency-key", self.recorder.message_id(index))
            .body(Full::new(job_body(job.index, job.demand_s, &timestamp)))
            .expect("these headers are valid")
    }

    /// Sends a job now, or as soon as a connection is free; never waits.
    fn send(self: &Rc<Self>, index: usize, request: Request<Full<Bytes>>) {
        self.state.borrow_mut().in_flight += 1;
        self.place(index, request);
    }

    /// Finds a connection for a job that is in flight: an idle one, a new one, or the next that is free.
    fn place(self: &Rc<Self>, index: usize, request: Request<Full<Bytes>>) {
        let mut state = self.state.borrow_mut();
        while let Some(mut connection) = state.idle.pop() {
            if connection.is_ready() {
                drop(state);
                let sent = self.dispatch(&mut connection, index, request);
                let pool = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let alive = pool.answer(index, sent).await;
                    pool.settle(connection, alive).await;
                });
                return;
            }
            state.open -= 1;
        }
        if state.open >= MOST_CONNECTIONS {
            state.waiting.push_back((index, request));
            return;
        }
        // Counted before it is open, or a burst would open any number at once.
        state.open += 1;
        drop(state);
        let pool = Rc::clone(self);
        tokio::task::spawn_local(async move {
            match pool.connect().await {
                Ok(mut connection) => {
                    let sent = pool.dispatch(&mut connection, index, request);
                    let alive = pool.answer(index, sent).await;
                    pool.settle(connection, alive).await;
                }
                Err(_) => {
                    pool.refuse(index);
                    pool.lose_connection();
                }
            }
        });
    }

    fn dispatch(
        &self,
        connection: &mut Connection,
        index: usize,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = hyper::Result<hyper::Response<hyper::body::Incoming>>> + use<> {
        self.recorder.sent(index, self.clock.now_ns());
        connection.send_request(request)
    }

    /// Takes the response of a job; tells whether its connection can be used again.
    async fn answer(
        &self,
        index: usize,
        sent: impl Future<Output = hyper::Result<hyper::Response<hyper::body::Incoming>>>,
    ) -> bool {
        let exchange = async {
            let response = sent.await?;
            let status = response.status();
            response.into_body().collect().await?;
            hyper::Result::Ok(status)
        };
        match tokio::time::timeout(RESPONSE_TIMEOUT, exchange).await {
            Ok(Ok(status)) => {
                self.recorder.stamp(index, Stamp::Responded, self.clock.now_ns());
                if status != StatusCode::ACCEPTED {
                    self.recorder.refused(index);
                }
                self.state.borrow_mut().in_flight -= 1;
                true
            }
            _ => {
                self.refuse(index);
                false
            }
        }
    }

    /// Serves the jobs that waited for a connection, then keeps it for later ones.
    async fn settle(self: &Rc<Self>, mut connection: Connection, mut alive: bool) {
        while alive && connection.ready().await.is_ok() {
            let next = self.state.borrow_mut().waiting.pop_front();
            let Some((index, request)) = next else {
                self.state.borrow_mut().idle.push(connection);
                return;
            };
            let sent = self.dispatch(&mut connection, index, request);
            alive = self.answer(index, sent).await;
        }
        self.lose_connection();
    }

    /// Makes room for another connection, and for a job that may have waited for the lost one.
    fn lose_connection(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.open -= 1;
        let waiting = state.waiting.pop_front();
        drop(state);
        if let Some((index, request)) = waiting {
            self.place(index, request);
        }
    }

    fn refuse(&self, index: usize) {
        self.recorder.refused(index);
        self.state.borrow_mut().in_flight -= 1;
    }
}
