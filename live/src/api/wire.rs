//! A connection's bytes, and how long a client may take over them.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::Limits;
use super::problem::{Kind, Problem, late};

/// How long, and for how many bytes, a client is listened to after its last response.
const LINGER: (Duration, usize) = (Duration::from_secs(1), 4 * 1024 * 1024);

/// Where a connection is between two requests; shared by the wire and the service, which run in one task.
#[derive(Clone)]
pub(super) struct Phase(Arc<AtomicU8>);

/// No byte of the next request has come.
const IDLE: u8 = 0;
/// A head is arriving.
const HEAD: u8 = 1;
/// A request is being worked on, its body included.
const BUSY: u8 = 2;
/// It has been answered; the wire has not noticed yet.
const ANSWERED: u8 = 3;

impl Phase {
    /// A head is complete.
    pub(super) fn begin(&self) {
        self.0.store(BUSY, Relaxed);
    }

    /// The response is there.
    pub(super) fn end(&self) {
        self.0.store(ANSWERED, Relaxed);
    }
}

/// A TCP stream that gives up on clients who dawdle, and words hyper's own refusals as problem documents.
///
/// Hyper's timer for heads also runs while a connection is idle between requests, where far more patience is due,
/// and is set up anew for each request. This one is a single timer for each connection, moved only when it fires
/// or when a head comes in pieces.
pub(super) struct Wire {
    stream: TokioIo<TcpStream>,
    limits: Arc<Limits>,
    phase: Phase,
    since: Instant,
    patience: Pin<Box<Sleep>>,
    stalled: Option<Pin<Box<Sleep>>>,
    worded: Bytes,
}

impl Wire {
    /// The wire of a new connection; its client is expected to speak.
    pub(super) fn new(stream: TcpStream, limits: Arc<Limits>) -> (Self, Phase) {
        let phase = Phase(Arc::new(AtomicU8::new(HEAD)));
        let since = Instant::now();
        let patience = Box::pin(sleep_until(since + limits.header_timeout));
        let (stream, stalled, worded) = (TokioIo::new(stream), None, Bytes::new());
        (Wire { stream, limits, phase: phase.clone(), since, patience, stalled, worded }, phase)
    }

    /// Answers a head that broke off for want of time, and closes.
    ///
    /// A connection that is closed with unread bytes is reset, which may destroy the response on its way. So what
    /// still comes is read, for a while.
    pub(super) async fn finish(mut self, partial_head: bool) {
        if partial_head
            && self.phase.0.load(Relaxed) == HEAD
            && self.since.elapsed() >= self.limits.header_timeout
        {
            let answer = worded(&late("head", self.limits.header_timeout));
            // The client may be gone, and then needs no answer.
            let _ = tokio::time::timeout(LINGER.0, self.stream.inner_mut().write_all(&answer)).await;
        }
        let stream = self.stream.inner_mut();
        let drain = async {
            stream.shutdown().await?;
            let (mut buffer, mut left) = ([0; 4096], LINGER.1);
            loop {
                match stream.read(&mut buffer).await? {
                    read if read == 0 || read >= left => return io::Result::Ok(()),
                    read => left -= read,
                }
            }
        };
        let _ = tokio::time::timeout(LINGER.0, drain).await;
    }

    /// Called while nothing comes: ends with an error when that has lasted too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let limit = match self.phase.0.load(Relaxed) {
                // Bodies have a limit of their own.
                BUSY => return Poll::Pending,
                ANSWERED => {
                    self.since = Instant::now();
                    self.phase.0.store(IDLE, Relaxed);
                    self.limits.idle_timeout
                }
                IDLE => self.limits.idle_timeout,
                _ => self.limits.header_timeout,
            };
            let deadline = self.since + limit;
            if deadline < self.patience.deadline() {
                self.patience.as_mut().reset(deadline);
            }
            ready!(self.patience.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // The timer was set for an earlier request.
            self.patience.as_mut().reset(deadline);
        }
    }

    /// Called while the client takes nothing.
    fn poll_stalled(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let deadline = Instant::now() + self.limits.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(context, bytes) {
            Poll::Pending => self.poll_stalled(context),
            ready => {
                self.stalled = None;
                ready
            }
        }
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.poll_patience(context),
            ready => {
                if matches!(self.phase.0.load(Relaxed), IDLE | ANSWERED) {
                    self.since = Instant::now();
                    self.phase.0.store(HEAD, Relaxed);
                }
                ready
            }
        }
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.worded.is_empty() {
            match refusal(bytes, &self.limits) {
                None => return self.poll_send(context, bytes),
                Some(problem) => self.worded = worded(&problem),
            }
        }
        while !self.worded.is_empty() {
            let answer = self.worded.clone();
            let sent = ready!(self.poll_send(context, &answer))?;
            self.worded.advance(sent);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The problem behind an answer that hyper made by itself: it has a status and no document.
fn refusal(bytes: &[u8], limits: &Limits) -> Option<Problem> {
    let head = bytes.strip_prefix(b"HTTP/1.1 4").filter(|_| bytes.ends_with(b"\r\n\r\n"))?;
    let is_empty = head.windows(19).any(|window| window.eq_ignore_ascii_case(b"content-length: 0\r\n"));
    if !is_empty || head.windows(13).any(|window| window.eq_ignore_ascii_case(b"content-type:")) {
        return None;
    }
    Some(match &head[..2] {
        b"31" => headers_too_large(limits),
        b"14" => Problem::new(Kind::UriTooLong, "the address is longer than is read; shorten it"),
        _ => Problem::new(
            Kind::BadRequest,
            "the head of the request is not HTTP/1.1; check method, path and headers",
        ),
    })
}

/// More, or longer, headers than are read.
pub(super) fn headers_too_large(limits: &Limits) -> Problem {
    let (headers, bytes) = (limits.headers, limits.header_bytes);
    let detail = format!("a request may have {headers} headers, and a head of {bytes} bytes; send fewer");
    Problem::new(Kind::HeadersTooLarge, detail)
}

/// A response on a connection that ends with it.
fn worded(problem: &Problem) -> Bytes {
    let (status, _) = problem.kind.meaning();
    let body = problem.json();
    let reason = status.canonical_reason().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {} {reason}\r\nconnection: close\r\ncontent-type: application/problem+json\r\n\
         content-length: {}\r\n\r\n",
        status.as_u16(),
        body.len()
    );
    Bytes::from([head.into_bytes(), body].concat())
}
