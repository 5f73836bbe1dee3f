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

/// Takes every sample, as it comes.
pub type Sink = Box<dyn FnMut(&PeerSample) + Send>;

/// Reads the clocks of peers once a second on a thread of its own, so that no reading disturbs the run.
pub struct ClockSampler {
    /// The quickest first reading of each target.
    pub first: Vec<(Reading, PeerSample)>,
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

struct Watched {
    peer: Peer,
    // Shares our clock: nothing is to be estimated.
    is_ours: bool,
}

impl ClockSampler {
    /// Reads each target's clock several times, then goes on once a second. Targets that share our clock are read in the first burst only.
    ///
    /// # Errors
    /// [`PeerError`] if a target does not tell its clock.
    pub fn start(targets: &[Target], mut sink: Sink) -> Result<Self, PeerError> {
        let answer = |error: std::io::Error| PeerError::Answer {
            peer: "this host".to_owned(),
            problem: error.to_string(),
        };
        let ours = ClockIdentity::this().map_err(answer)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(answer)?;
        let mut watched: Vec<Watched> =
            targets.iter().map(|target| Watched { peer: Peer::new(target), is_ours: false }).collect();
        let mut first = Vec::new();
        for peer in &mut watched {
            let read = runtime.block_on(burst(&mut peer.peer, &mut sink))?;
            peer.is_ours = read.0.clock == ours;
            first.push(read);
        }
        watched.retain(|peer| !peer.is_ours);
        let over = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&over);
        let body = move || sample(&runtime, &mut watched, &mut sink, &heard);
        let thread = std::thread::Builder::new().name("clocks".into()).spawn(body).map_err(answer)?;
        Ok(ClockSampler { first, over, thread })
    }

    /// Reads each clock several times more, and ends.
    pub fn finish(self) {
        self.over.store(true, Relaxed);
        // A sampler that panicked has left what it had seen in the sink.
        let _ = self.thread.join();
    }
}

fn sample(runtime: &Runtime, watched: &mut [Watched], sink: &mut Sink, over: &AtomicBool) {
    let mut next = Instant::now() + INTERVAL;
    while !over.load(Relaxed) && !watched.is_empty() {
        if Instant::now() < next {
            std::thread::sleep(LOOK);
            continue;
        }
        next += INTERVAL;
        for peer in &mut *watched {
            // A peer that is gone for a while is read again later: its line then has fewer points.
            if let Ok((_, sample)) = runtime.block_on(peer.peer.read()) {
                sink(&sample);
            }
        }
    }
    for peer in watched {
        let _ = runtime.block_on(burst(&mut peer.peer, sink));
    }
}

/// Several readings in a row, of which the quickest is returned.
async fn burst(peer: &mut Peer, sink: &mut Sink) -> Result<(Reading, PeerSample), PeerError> {
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
