//! Who is told what becomes of each message.

/// Told of the instants of messages as they pass, by whoever handles them.
///
/// Instants are nanoseconds on the host's monotonic clock ([`crate::clock::monotonic_ns`]). Called on the hot paths
/// of API and servers: an implementation neither blocks nor fails.
pub trait Witness: Send + Sync {
    /// The API has read and checked the request.
    fn accepted(&self, id: &str, at_ns: u64);

    /// The broker has confirmed the message.
    fn confirmed(&self, id: &str, at_ns: u64);

    /// A server has completed the message, and told broker and store so.
    fn served(&self, id: &str, service: &Service);

    /// A server has given the message up, and it is among the dead letters.
    fn dead_lettered(&self, id: &str, service: &Service);
}

/// How a server worked on one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Number of the server.
    pub server: u32,
    /// The message was received, ns.
    pub received_ns: u64,
    /// Work began, ns.
    pub start_ns: u64,
    /// Work ended, ns.
    pub done_ns: u64,
    /// The acknowledgement was handed over, ns; `None` if it failed.
    pub acked_ns: Option<u64>,
    /// Deliveries that were worked on, this one included.
    pub attempts: u32,
}

/// Sees nothing: for a pipeline that serves without a run.
pub struct Nobody;

impl Witness for Nobody {
    fn accepted(&self, _: &str, _: u64) {}
    fn confirmed(&self, _: &str, _: u64) {}
    fn served(&self, _: &str, _: &Service) {}
    fn dead_lettered(&self, _: &str, _: &Service) {}
}
