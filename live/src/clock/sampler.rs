//! Reading the clocks of other processes before, during and after a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

use super::{ClockIdentity, Peer, PeerError, PeerSample, Reading};
use crate::target::Target;

/// Readings of each peer before and after a run: the quickest of so many is near the least that is possible.
const BURST: u32 = 40;

/// Between two readings of a burst.
const GAP: Duration = Duration::from_millis(5);

/// Between two readings during a run.
const INTERVAL: Duration = Duration::from_secs(1);

/// How often the sampler looks whether the run is over.
const LOOK: Duration = Duration::from_millis(20);

/// Peers whose clocks have been read for the first time.
pub struct FirstReadings {
    /// The quickest reading of each target.
    pub quickest: Vec<(Reading, PeerSample)>,
    /// All samples of them.
    pub samples: Vec<PeerSample>,
    runtime: Runtime,
    // Those that share our clock are not among them: of theirs nothing is to be estimated.
    others: Vec<Peer>,
}

impl FirstReadings {
    /// Reads each target's clock several times.
    ///
    /// # Errors
    /// [`PeerError`] if a target does not tell its clock.
    pub fn take(targets: &[Target]) -> Result<Self, PeerError> {
        let ours = ClockIdentity::this().map_err(|error| here(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| here(&error))?;
        let (mut quickest, mut samples, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for target in targets {
            let mut peer = Peer::new(target);
            let read = runtime.block_on(burst(&mut peer, &mut |sample| samples.push(sample.clone())))?;
            if read.0.clock != ours {
                others.push(peer);
            }
            quickest.push(read);
        }
        Ok(FirstReadings { quickest, samples, runtime, others })
    }

    /// Goes on once a second, on a thread of its own, so that no reading disturbs the run.
    ///
    /// # Errors
    /// [`PeerError`] if the system gives no thread.
    pub fn follow(self, mut sink: Sink) -> Result<ClockSampler, PeerError> {
        let over = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&over);
        let (runtime, mut peers) = (self.runtime, self.others);
        let body = move || sample(&runtime, &mut peers, &mut sink, &heard);
        let thread = std::thread::Builder::new().name("clocks".into()).spawn(body);
        Ok(ClockSampler { over, thread: thread.map_err(|error| here(&error))? })
    }
}

fn here(error: &std::io::Error) -> PeerError {
    PeerError::Answer { peer: "this host".to_owned(), problem: error.to_string() }
}

/// Takes every sample, as it comes.
pub type Sink = Box<dyn FnMut(&PeerSample) + Send>;

/// Reads the clocks of peers during a run.
pub struct ClockSampler {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl ClockSampler {
    /// Reads each clock several times more, and ends.
    pub fn finish(self) {
        self.over.store(true, Relaxed);
        // A sampler that panicked has left what it had seen in the sink.
        let _ = self.thread.join();
    }
}

fn sample(runtime: &Runtime, peers: &mut [Peer], sink: &mut Sink, over: &AtomicBool) {
    let mut next = Instant::now() + INTERVAL;
    while !over.load(Relaxed) && !peers.is_empty() {
        if Instant::now() < next {
            std::thread::sleep(LOOK);
            continue;
        }
        next += INTERVAL;
        for peer in &mut *peers {
            // A peer that is gone for a while is read again later: its line then has fewer points.
            if let Ok((_, sample)) = runtime.block_on(peer.read()) {
                sink(&sample);
            }
        }
    }
    for peer in peers {
        let _ = runtime.block_on(burst(peer, sink));
    }
}

/// Several readings in a row, of which the quickest is returned.
async fn burst(
    peer: &mut Peer,
    sink: &mut dyn FnMut(&PeerSample),
) -> Result<(Reading, PeerSample), PeerError> {
    let trip = |read: &(Reading, PeerSample)| read.1.sample.received_ns - read.1.sample.sent_ns;
    let mut best = peer.read().await?;
    sink(&best.1);
    for _ in 1..BURST {
        tokio::time::sleep(GAP).await;
        let read = peer.read().await?;
        sink(&read.1);
        if trip(&read) < trip(&best) {
            best = read;
        }
    }
    Ok(best)
}
