//! What the tests of the API share: a broker and a store that do as they are told, and plain clients.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, StatusCode};
use live::api::{Api, Settings};
use live::broker::{
    Broker, BrokerError, Destination, Embedded, Obstacle, Pending, PublishError, Subscription,
};
use live::message::Message;
use live::store::{Row, Store, StoreError};
use live::witness::Nobody;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

pub const GOOD: &str =
    r#"{"source":"curl-test","timestamp":"2024-07-29T12:00:00Z","data":{"temperature":25.5}}"#;

/// What a publish is answered.
#[derive(Clone, Default)]
pub enum Script {
    #[default]
    Confirm,
    Fail(PublishError),
    /// As a bug would.
    Panic,
    /// The confirm comes when `Scripted::release` is called.
    Wait,
}

/// A broker that answers as it is told, and writes down what it is given.
#[derive(Default)]
pub struct Scripted {
    queue: Embedded,
    pub script: Mutex<Script>,
    pub seen: Mutex<Vec<Message>>,
    pub obstacles: Mutex<Vec<Obstacle>>,
    pub asked: Mutex<u32>,
    released: Notify,
}

impl Scripted {
    pub fn tell(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub fn release(&self) {
        self.released.notify_waiters();
    }

    pub fn published(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Broker for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn queue_type(&self) -> &str {
        "in-process"
    }

    fn publish(&self, _: Destination, message: Message) -> Pending<'_, Result<(), PublishError>> {
        let released = self.released.notified();
        self.seen.lock().unwrap().push(message);
        let script = self.script.lock().unwrap().clone();
        Box::pin(async move {
            match script {
                Script::Confirm => Ok(()),
                Script::Fail(error) => Err(error),
                Script::Panic => panic!("the publisher has a bug"),
                Script::Wait => {
                    released.await;
                    Ok(())
                }
            }
        })
    }

    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>> {
        self.queue.subscribe(prefetch)
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        self.obstacles.lock().unwrap().clone()
    }

    fn outages(&self) -> u64 {
        3
    }

    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.queue.cancel()
    }

    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>> {
        *self.asked.lock().unwrap() += 1;
        Box::pin(std::future::ready(Ok(17)))
    }

    fn delayed(&self) -> Pending<'_, Result<u64, BrokerError>> {
        self.queue.delayed()
    }

    fn dead_letters(&self) -> Pending<'_, Result<u64, BrokerError>> {
        Box::pin(std::future::ready(Ok(5)))
    }

    fn close(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.queue.close()
    }
}

/// A store in memory, which may be down.
#[derive(Default)]
pub struct Shelf {
    pub rows: Mutex<HashMap<String, Row>>,
    pub down: Mutex<bool>,
}

impl Shelf {
    fn up(&self) -> Result<(), StoreError> {
        match *self.down.lock().unwrap() {
            true => Err(StoreError::Unavailable("the shelf has fallen down".into())),
            false => Ok(()),
        }
    }
}

impl Store for Shelf {
    fn name(&self) -> &str {
        "shelf"
    }

    fn keep<'a>(&'a self, rows: &'a [Row]) -> Pending<'a, Result<u64, StoreError>> {
        self.rows.lock().unwrap().extend(rows.iter().map(|row| (row.id.clone(), row.clone())));
        Box::pin(std::future::ready(self.up().map(|()| rows.len() as u64)))
    }

    fn find<'a>(&'a self, id: &'a str) -> Pending<'a, Result<Option<Row>, StoreError>> {
        let row = self.rows.lock().unwrap().get(id).cloned();
        Box::pin(std::future::ready(self.up().map(|()| row)))
    }

    fn count(&self) -> Pending<'_, Result<u64, StoreError>> {
        let count = self.rows.lock().unwrap().len() as u64;
        Box::pin(std::future::ready(Ok(count)))
    }

    fn check(&self) -> Pending<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(self.up()))
    }

    fn close(&self) -> Pending<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// An API without a network, on a scripted broker.
pub struct Desk {
    pub broker: Arc<Scripted>,
    pub api: Arc<Api>,
}

impl Desk {
    pub fn new(settings: Settings) -> Self {
        Desk::with(|api| api.with_settings(settings))
    }

    pub fn with(change: impl FnOnce(Api) -> Api) -> Self {
        let broker = Arc::new(Scripted::default());
        let api = Api::new(Arc::clone(&broker) as Arc<dyn Broker>, Arc::new(Nobody));
        Desk { broker, api: Arc::new(change(api)) }
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        Answer::of(self.api.respond(request).await).await
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    async fn of(response: Response<Full<Bytes>>) -> Self {
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.into()).unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// Requires a problem document of this kind.
    pub fn assert_problem(&self, status: u16, kind: &str, detail: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
        let retry = self.headers.contains_key("retry-after");
        assert_eq!(retry, status == 503 || status == 409, "only what may pass is worth another try");
    }
}

pub fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Full::new(body.into())).unwrap()
}

pub fn keyed(key: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = post("/ingest", body.to_owned());
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

pub fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(path).body(Full::default()).unwrap()
}

/// A served API on a free loopback port, and the runtime that it is served on.
pub struct Served {
    pub address: SocketAddr,
    pub broker: Arc<Scripted>,
    pub stop: watch::Sender<bool>,
    pub serving: tokio::task::JoinHandle<usize>,
    pub runtime: Runtime,
}

impl Served {
    pub fn new(settings: Settings, grace: Duration) -> Self {
        let runtime = crate::support::runtime();
        let Desk { broker, api } = Desk::new(settings);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = runtime.spawn(live::api::serve(listener, api, stopped, grace));
        Served { address, broker, stop, serving, runtime }
    }

    pub fn connect(&self) -> TcpStream {
        connect(self.address)
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// The text of a good request.
pub fn request_text(extra: &str) -> String {
    let length = GOOD.len();
    format!(
        "POST /ingest HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n{extra}content-length: {length}\r\n\r\n{GOOD}"
    )
}

/// Reads one response.
pub fn receive(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap_or_else(|error| {
            panic!("no whole response: {error}; so far {:?}", String::from_utf8_lossy(&head))
        });
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: HeaderMap = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.parse::<hyper::header::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    let length = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Answer { status, headers, text: String::from_utf8(body).unwrap() }
}

/// Sends and receives on one connection.
pub fn exchange(stream: &mut TcpStream, request: &str) -> Answer {
    stream.write_all(request.as_bytes()).unwrap();
    receive(stream)
}

/// Whether the server has closed, or reset, the connection.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(stream.read(&mut [0; 1]), Ok(0) | Err(_))
}
