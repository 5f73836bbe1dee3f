//! Parts of several processes become one run: on one clock, with one ledger.

use std::collections::BTreeSet;

use sim::model::{JobRecord, Scenario};
use sim::run_folder::{Deployment, Ledger, Status};
use sim::sampling::Jobs;

use super::{Consuming, Driving, Part, PartInfo, Role, Sight};
use crate::clock::{Atlas, AtlasError, ClockIdentity, RunClock};
use crate::ledger::settle;
use crate::processor::ProcessorShares;
use crate::recorder::{Recorder, Stamp};
use crate::witness::Service;

/// Why parts do not make a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No driver's part is there.
    #[error(
        "there is no driver's part\n  rule: `live drive --record DIR` writes one\n  remedy: copy the parts of all processes into DIR/parts"
    )]
    NoDriver,
    /// A driver's part is missing.
    #[error(
        "the part of driver {shard}/{shards} is missing\n  rule: the drivers together send every job once\n  remedy: copy its folder into parts/, or drive again"
    )]
    DriverMissing {
        /// Which one.
        shard: u32,
        /// Of how many.
        shards: u32,
    },
    /// A part is there twice.
    #[error(
        "{a} and {b} are the same part\n  rule: each process has one part\n  remedy: remove one of the two from parts/"
    )]
    Twice {
        /// One copy.
        a: String,
        /// The other.
        b: String,
    },
    /// A part contradicts itself.
    #[error(
        "{part}: {problem}\n  rule: a part is as its process wrote it\n  remedy: copy it again, or drive again"
    )]
    Contradiction {
        /// The part.
        part: String,
        /// What is wrong.
        problem: String,
    },
    /// Two drivers drove different things.
    #[error(
        "{a} and {b} are of different runs: {what}\n  rule: the drivers of a run have one scenario and one --shard k/n each\n  remedy: record each run in a folder of its own"
    )]
    Different {
        /// One part.
        a: String,
        /// The other.
        b: String,
        /// In what they differ.
        what: &'static str,
    },
    /// Nobody's part has a served message.
    #[error(
        "no part has seen a message served\n  rule: `live consume --record DIR`, or `live serve --record DIR` with servers, writes one\n  remedy: copy its folder into parts/"
    )]
    NothingServed,
    /// The clocks cannot be related.
    #[error("{0}")]
    Clock(#[from] AtlasError),
}

/// A run made of parts.
pub struct Joined {
    /// What was driven.
    pub scenario: Scenario,
    /// When the first driver began, RFC 3339, UTC.
    pub started: String,
    /// The command line of the first driver.
    pub command: Vec<String>,
    /// Where messages were worked on, if that is known.
    pub deployment: Option<Deployment>,
    /// One row a job, all instants on the clock of the first driver.
    pub records: Vec<JobRecord>,
    /// What became of the messages.
    pub ledger: Ledger,
    /// What became of the drivers' processors' time, of each share the largest.
    pub processors: ProcessorShares,
    /// How far a time between two hosts may be off, s; 0 if all processes share a clock.
    pub clock_uncertainty_s: f64,
    /// Timeline of the run.
    pub hosts: usize,
    /// What went wrong, for the verdict on the run.
    pub trouble: Vec<String>,
}

/// Joins the parts of a run.
///
/// The origin is that of driver 0: what another driver began later than it should have is lateness of its jobs.
///
/// # Errors
/// [`JoinError`] if parts are missing, do not belong together, or their clocks cannot be related.
pub fn join(parts: &[Part]) -> Result<Joined, JoinError> {
    refuse_impossible(parts)?;
    let drivers = drivers(parts)?;
    let (first, driving, scenario) = drivers[0];
    let seen: Vec<_> =
        drivers.iter().map(|(part, ..)| (part.info.clock.clone(), part.clocks.clone())).collect();
    let origin = RunClock::starting_at(driving.origin_ns);
    let timeline = Timeline { atlas: Atlas::new(&first.info.clock, &seen)?, origin };
    let length = scenario.drive();
    let jobs = Jobs::new(scenario, 0).take(length.total() as usize);
    let recorder = Recorder::new(&driving.run, jobs, length.warmup_jobs());
    let mut replay = Replay { recorder: &recorder, timeline: &timeline, worst_s: 0.0 };
    for (part, driving, _) in &drivers {
        replay.driver(part, driving)?;
    }
    let runs: Vec<&Driving> = drivers.iter().map(|(_, driving, _)| *driving).collect();
    let servers = replay.others(parts, &runs)?;
    if servers == 0 {
        return Err(JoinError::NothingServed);
    }
    let worst_s = replay.worst_s;
    let (ledger, records) = settle(&recorder, queued(parts, &timeline)?);
    let largest = |share: fn(&Driving) -> Option<f64>| {
        drivers.iter().filter_map(|(_, driving, _)| share(driving)).fold(0.0, f64::max)
    };
    let processors =
        ProcessorShares { stolen: largest(|driving| driving.stolen), busy: largest(|driving| driving.busy) };
    let mut trouble = trouble(parts, scenario);
    trouble.extend(out_of_order(&records, worst_s));
    trouble.extend(apart(&drivers, &timeline)?);
    let hosts: BTreeSet<&ClockIdentity> = parts.iter().map(|part| &part.info.clock).collect();
    Ok(Joined {
        scenario: scenario.clone(),
        started: first.info.started.clone(),
        command: first.info.command.clone(),
        deployment: deployment(parts),
        records,
        ledger,
        processors,
        clock_uncertainty_s: worst_s,
        hosts: hosts.len(),
        trouble,
    })
}

/// Refuses parts that are there twice, or are not as any process writes them.
fn refuse_impossible(parts: &[Part]) -> Result<(), JoinError> {
    let process = |part: &Part| (part.info.clock.clone(), part.info.process, part.info.started.clone());
    for (n, part) in parts.iter().enumerate() {
        if let Some(other) = parts[..n].iter().find(|other| process(other) == process(part)) {
            return Err(JoinError::Twice { a: other.name(), b: part.name() });
        }
        let contradiction =
            |problem: &str| JoinError::Contradiction { part: part.name(), problem: problem.to_owned() };
        let PartInfo { role, driving, consuming, .. } = &part.info;
        if (*role == Role::Drive) != driving.is_some() || (*role == Role::Drive) == consuming.is_some() {
            return Err(contradiction("what it says of its process does not fit its role"));
        }
        if driving.as_ref().is_some_and(|driving| driving.shard >= driving.shards) {
            return Err(contradiction("there is no such driver among so many"));
        }
        let servers = consuming.as_ref().map_or(0, |consuming| consuming.servers);
        let unknown = part.events.iter().any(|event| match event.sight {
            Sight::Served(service) | Sight::DeadLettered(service) => service.server >= servers,
            _ => false,
        });
        if unknown {
            return Err(contradiction("a server has worked that it did not have"));
        }
    }
    Ok(())
}

type Driver<'a> = (&'a Part, &'a Driving, &'a Scenario);

/// The drivers in the order of their numbers, each there once and all of one run.
fn drivers(parts: &[Part]) -> Result<Vec<Driver<'_>>, JoinError> {
    let of = |part| -> Option<Driver<'_>> {
        let part: &Part = part;
        Some((part, part.info.driving.as_ref()?, part.scenario.as_ref()?))
    };
    let mut drivers: Vec<_> = parts.iter().filter_map(of).collect();
    drivers.sort_by_key(|(_, driving, _)| driving.shard);
    let Some((first, one, _)) = drivers.first().copied() else { return Err(JoinError::NoDriver) };
    for (part, driving, _) in &drivers {
        let what = if driving.scenario_sha256 != one.scenario_sha256 {
            "their scenarios"
        } else if driving.shards != one.shards {
            "the number of drivers"
        } else {
            continue;
        };
        return Err(JoinError::Different { a: first.name(), b: part.name(), what });
    }
    let missing = (0..one.shards).find(|shard| drivers.iter().all(|(_, driving, _)| driving.shard != *shard));
    match missing {
        Some(shard) => Err(JoinError::DriverMissing { shard, shards: one.shards }),
        None => Ok(drivers),
    }
}

/// Every host's clock on that of the run.
struct Timeline {
    atlas: Atlas,
    origin: RunClock,
}

impl Timeline {
    /// An instant of a host, ns since the origin, and how far it may be off, s.
    fn at(&self, clock: &ClockIdentity, instant_ns: u64) -> Result<(u64, f64), AtlasError> {
        let (there_ns, off_s) = self.atlas.to_reference(clock, instant_ns)?;
        Ok((self.origin.at(there_ns), off_s))
    }
}

/// Writes what the parts saw into the recorder of a run.
struct Replay<'a> {
    recorder: &'a Recorder,
    timeline: &'a Timeline,
    worst_s: f64,
}

impl Replay<'_> {
    fn at(&mut self, part: &Part, instant_ns: u64) -> Result<u64, AtlasError> {
        let (at_ns, off_s) = self.timeline.at(&part.info.clock, instant_ns)?;
        self.worst_s = self.worst_s.max(off_s);
        Ok(at_ns)
    }

    fn driver(&mut self, part: &Part, driving: &Driving) -> Result<(), AtlasError> {
        for event in &part.events {
            let Some(job) = job(&event.id, driving, self.recorder.len()) else { continue };
            match event.sight {
                Sight::Sent(at_ns) => self.recorder.sent(job, self.at(part, at_ns)?),
                Sight::Responded(at_ns) => {
                    self.recorder.stamp(job, Stamp::Responded, self.at(part, at_ns)?);
                }
                Sight::Refused(_) => self.recorder.refused(job),
                _ => {}
            }
        }
        Ok(())
    }

    /// What API and servers saw, in the order of time; returns how many servers there were.
    ///
    /// A message of nobody's run that was worked on before the last job was done took a server's time: it is counted.
    fn others(&mut self, parts: &[Part], runs: &[&Driving]) -> Result<u32, AtlasError> {
        let mut worked = Vec::new();
        let mut servers = 0;
        for part in parts {
            for event in &part.events {
                let job = runs.iter().find_map(|driving| job(&event.id, driving, self.recorder.len()));
                match (event.sight, job) {
                    (Sight::Accepted(at_ns), Some(job)) => {
                        self.recorder.stamp(job, Stamp::Accepted, self.at(part, at_ns)?);
                    }
                    (Sight::Confirmed(at_ns), Some(job)) => {
                        self.recorder.stamp(job, Stamp::Confirmed, self.at(part, at_ns)?);
                    }
                    (Sight::Served(service) | Sight::DeadLettered(service), job) => {
                        let was_served = matches!(event.sight, Sight::Served(_));
                        let before = self.worst_s;
                        let converted = self.service(part, service, servers);
                        match job {
                            Some(_) => worked.push((converted?, was_served, job)),
                            None => {
                                // How well its instants are known is of no matter; it only has to be counted.
                                self.worst_s = before;
                                worked.extend(converted.ok().map(|service| (service, was_served, job)));
                            }
                        }
                    }
                    _ => {}
                }
            }
            servers += part.info.consuming.as_ref().map_or(0, |consuming| consuming.servers);
        }
        worked.sort_by_key(|(service, ..)| service.done_ns);
        let last = worked.iter().rposition(|(.., job)| job.is_some());
        let worked = &worked[..last.map_or(0, |last| last + 1)];
        for (service, was_served, job) in worked {
            match (job, was_served) {
                // Before the origin there was no run to disturb.
                (None, _) if service.done_ns == 0 => {}
                (None, _) => self.recorder.unexpected(),
                (Some(job), true) => {
                    self.recorder.worked(*job, service);
                    self.recorder.completed(*job, service.server);
                }
                (Some(job), false) => {
                    self.recorder.worked(*job, service);
                    self.recorder.dead_lettered(*job, service.server, service.attempts);
                }
            }
        }
        Ok(if worked.is_empty() { 0 } else { servers })
    }

    /// A service on the clock of the run, with its server's number among all.
    fn service(&mut self, part: &Part, service: Service, before: u32) -> Result<Service, AtlasError> {
        Ok(Service {
            server: before + service.server,
            received_ns: self.at(part, service.received_ns)?,
            start_ns: self.at(part, service.start_ns)?,
            done_ns: self.at(part, service.done_ns)?,
            acked_ns: service.acked_ns.map(|acked_ns| self.at(part, acked_ns)).transpose()?,
            attempts: service.attempts,
        })
    }
}

/// The job of a message, if this driver has sent it.
fn job(id: &str, driving: &Driving, jobs: usize) -> Option<usize> {
    let digits = id.strip_prefix(driving.run.as_str())?.strip_prefix('-')?;
    let job: usize = digits.parse().ok()?;
    (job < jobs && driving.owns(job as u64)).then_some(job)
}

/// What the queue held in the end: known from whoever was the last to give back what it held, if all have ended in order.
fn queued(parts: &[Part], timeline: &Timeline) -> Result<Option<u64>, AtlasError> {
    let mut last: Option<(u64, Option<u64>)> = None;
    for part in parts {
        let Some(consuming) = part.info.consuming.as_ref().filter(|consuming| consuming.servers > 0) else {
            continue;
        };
        let Some(returned_ns) = consuming.returned_ns else { return Ok(None) };
        let (returned_ns, _) = timeline.at(&part.info.clock, returned_ns)?;
        if last.is_none_or(|(latest_ns, _)| returned_ns >= latest_ns) {
            last = Some((returned_ns, consuming.queued));
        }
    }
    Ok(last.and_then(|(_, queued)| queued))
}

/// Where the consumers were; `None` without any.
fn deployment(parts: &[Part]) -> Option<Deployment> {
    let consuming = || parts.iter().filter_map(|part| part.info.consuming.as_ref()).filter(|c| c.servers > 0);
    let first = consuming().next()?;
    Some(Deployment {
        broker: first.broker.clone(),
        queue_type: first.queue_type.clone(),
        prefetch: first.prefetch,
        servers: consuming().map(|consuming| consuming.servers).sum(),
        via: if parts.iter().any(|part| part.info.role == Role::Serve) { "http" } else { "amqp" }.to_owned(),
        // Nobody can ask that of processes that were there before.
        awake: false,
    })
}

/// How far drivers may begin apart on one host before it is told, s: what their own lateness might be.
const TOGETHER_S: f64 = 1e-3;

/// Drivers that did not begin together.
fn apart(drivers: &[Driver<'_>], timeline: &Timeline) -> Result<Option<String>, AtlasError> {
    let first_ns = drivers[0].1.origin_ns;
    for (part, driving, _) in &drivers[1..] {
        let (origin_ns, off_s) = timeline.atlas.to_reference(&part.info.clock, driving.origin_ns)?;
        let apart_s = (origin_ns as f64 - first_ns as f64) * 1e-9;
        if apart_s.abs() > TOGETHER_S + off_s {
            return Ok(Some(format!(
                "{} began {:+.1} ms apart from {}; give all drivers the same --start-at",
                part.name(),
                1e3 * apart_s,
                drivers[0].0.name()
            )));
        }
    }
    Ok(None)
}

/// Jobs whose instants contradict each other by more than the clocks allow.
fn out_of_order(records: &[JobRecord], uncertainty_s: f64) -> Option<String> {
    let slack_s = 2.0 * uncertainty_s + 1e-9;
    let contradicts = |record: &&JobRecord| {
        let way = [record.sent_s, record.accepted_s, record.delivered_s, record.start_s, record.done_s];
        let known: Vec<f64> = way.into_iter().flatten().collect();
        let answer =
            record.sent_s.zip(record.responded_s).is_some_and(|(sent, answered)| answered < sent - slack_s);
        answer
            || known.windows(2).any(|pair| pair[1] < pair[0] - slack_s)
            || record.sent_s.is_none() && !known.is_empty()
    };
    let mut wrong = records.iter().filter(contradicts);
    let first = wrong.next()?;
    Some(format!(
        "{} jobs have instants that contradict each other, such as job {}: a part is damaged, or a clock was misread; \
         copy the parts again, or drive again",
        1 + wrong.count(),
        first.job
    ))
}

/// What was not as it should have been.
fn trouble(parts: &[Part], scenario: &Scenario) -> Vec<String> {
    let mut trouble = Vec::new();
    for part in parts {
        if part.info.status == Status::Interrupted {
            trouble.push(format!(
                "the part {} was not closed: its process died, or still runs; rows of its last moments may be missing",
                part.name()
            ));
        }
        if let Some(reason) = part.info.driving.as_ref().and_then(|driving| driving.trouble.as_ref()) {
            trouble.push(format!("{}: {reason}", part.name()));
        }
        if part.info.outages > 0 {
            trouble.push(format!(
                "the run was interrupted: {} lost its connection to the broker {} times; keep the broker up",
                part.name(),
                part.info.outages
            ));
        }
    }
    if !parts.iter().any(|part| part.info.role == Role::Serve) {
        trouble.push(
            "no API has recorded its part: nobody saw the broker's confirms; live serve --record".to_owned(),
        );
    }
    let wanted = (scenario.queue().servers(), scenario.effective_prefetch());
    if let Some(Deployment { servers, prefetch, .. }) = deployment(parts)
        && (servers, prefetch) != wanted
    {
        trouble.push(format!(
            "{servers} servers took part in all, at prefetch {prefetch}, and the scenario has {} at {}; start as many as it \
             says, and let them run to the end",
            wanted.0, wanted.1
        ));
    }
    let set_ups = parts.iter().filter_map(|part| part.info.consuming.as_ref());
    let set_ups: BTreeSet<_> = set_ups
        .filter(|consuming| consuming.servers > 0)
        .map(|Consuming { broker, queue_type, prefetch, .. }| (broker, queue_type, prefetch))
        .collect();
    if set_ups.len() > 1 {
        trouble.push(
            "consumers differ in broker, queue type or prefetch; start all with the same flags".to_owned(),
        );
    }
    trouble
}
