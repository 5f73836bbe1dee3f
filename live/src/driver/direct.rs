//! Jobs as messages straight to the broker: what is left when the API is taken away.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::Semaphore;

use super::{Refusals, Sender, timestamp};
use crate::broker::{Broker, Destination};
use crate::clock::RunClock;
use crate::message::{ACCEPTED_US, Message, job_body};
use crate::recorder::{Recorder, Stamp};

/// Most publishes without a confirm; beyond them jobs wait in the driver, their due time running.
const MOST_IN_FLIGHT: usize = 1024;

/// Publishes jobs.
pub(super) struct Direct {
    broker: Arc<dyn Broker>,
    clock: RunClock,
    recorder: Arc<Recorder>,
    places: Semaphore,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    in_flight: usize,
    refusals: Refusals,
}

impl Direct {
    pub fn new(broker: Arc<dyn Broker>, clock: RunClock, recorder: Arc<Recorder>) -> Rc<Self> {
        let places = Semaphore::new(MOST_IN_FLIGHT);
        Rc::new(Direct { broker, clock, recorder, places, state: RefCell::default() })
    }

    async fn publish(&self, index: usize, mut message: Message) {
        let _place = self.places.acquire().await;
        let accepted_us = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        message.headers.insert(ACCEPTED_US.to_owned(), accepted_us.to_string());
        self.recorder.sent(index, self.clock.now_ns());
        let outcome = self.broker.publish(Destination::Work, message).await;
        let now_ns = self.clock.now_ns();
        let mut state = self.state.borrow_mut();
        state.in_flight -= 1;
        match outcome {
            Ok(()) => {
                self.recorder.stamp(index, Stamp::Confirmed, now_ns);
                self.recorder.stamp(index, Stamp::Responded, now_ns);
            }
            Err(error) => {
                self.recorder.refused(index);
                *state.refusals.entry(error.to_string()).or_default() += 1;
            }
        }
    }
}

impl Sender for Direct {
    type Prepared = Message;

    fn prepare(&self, index: usize) -> Message {
        let job = self.recorder.job(index);
        Message::new(self.recorder.message_id(index), job_body(job.index, job.demand_s, &timestamp()))
    }

    fn send(self: &Rc<Self>, index: usize, message: Message) {
        self.state.borrow_mut().in_flight += 1;
        let direct = Rc::clone(self);
        tokio::task::spawn_local(async move { direct.publish(index, message).await });
    }

    fn in_flight(&self) -> usize {
        self.state.borrow().in_flight
    }

    fn refusals(&self) -> Refusals {
        self.state.borrow().refusals.clone()
    }
}
