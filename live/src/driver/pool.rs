//! Keep-alive connections to the API, and the requests on them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::{DriverError, Form, Refusals, Sender, timestamp};
use crate::clock::RunClock;
use crate::recorder::{Recorder, Stamp};
use crate::target::Target;

/// Connections opened before the first job is due.
const WARM_CONNECTIONS: usize = 8;

/// Most connections; beyond them jobs wait in the driver, their due time running.
const MOST_CONNECTIONS: usize = 256;

/// How long a response may take.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

type Connection = SendRequest<Full<Bytes>>;

/// Keep-alive connections to the API, opened on demand.
pub(super) struct Pool {
    target: Target,
    form: Form,
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
    refusals: Refusals,
}

impl Pool {
    /// A pool without connections.
    pub fn new(target: Target, form: Form, clock: RunClock, recorder: Arc<Recorder>) -> Rc<Self> {
        Rc::new(Pool { target, form, clock, recorder, state: RefCell::default() })
    }

    /// Opens the first connections, so that the first jobs need not wait for theirs.
    pub async fn warm(&self) -> Result<(), DriverError> {
        for _ in 0..WARM_CONNECTIONS {
            let connection = self.connect().await?;
            let mut state = self.state.borrow_mut();
            state.open += 1;
            state.idle.push(connection);
        }
        Ok(())
    }

    async fn connect(&self) -> Result<Connection, DriverError> {
        let (sender, connection) = self.target.connect().await?;
        // The connection's own errors reach the request that was on it.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(sender)
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
                    pool.refuse(index, "no connection");
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
                let now_ns = self.clock.now_ns();
                if status.is_success() {
                    self.state.borrow_mut().in_flight -= 1;
                } else {
                    // Before the stamp: whoever sees the answer must see that it was a refusal.
                    self.refuse(index, &status.to_string());
                }
                self.recorder.stamp(index, Stamp::Responded, now_ns);
                true
            }
            Ok(Err(_broken)) => {
                self.refuse(index, "the connection broke");
                false
            }
            Err(_elapsed) => {
                self.refuse(index, "no answer in time");
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

    fn refuse(&self, index: usize, reason: &str) {
        self.recorder.refused(index);
        let mut state = self.state.borrow_mut();
        state.in_flight -= 1;
        *state.refusals.entry(reason.to_owned()).or_default() += 1;
    }
}

impl Sender for Pool {
    type Prepared = Request<Full<Bytes>>;

    fn prepare(&self, index: usize) -> Request<Full<Bytes>> {
        let (job, id) = (self.recorder.job(index), self.recorder.message_id(index));
        let body = self.form.body(&job, &id, &timestamp());
        let request = self.target.request(self.form.method.clone()).header("idempotency-key", id);
        let mut request = request.body(Full::new(body)).expect("these headers are valid");
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What the user says goes before what is usual.
        for (name, value) in &self.form.headers {
            headers.insert(name, value.clone());
        }
        request
    }

    fn send(self: &Rc<Self>, index: usize, request: Request<Full<Bytes>>) {
        self.state.borrow_mut().in_flight += 1;
        self.place(index, request);
    }

    fn in_flight(&self) -> usize {
        self.state.borrow().in_flight
    }

    fn refusals(&self) -> Refusals {
        self.state.borrow().refusals.clone()
    }
}
