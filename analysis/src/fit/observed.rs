//! What was seen of a system, wherever it was written down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use sim::model::{JobRecord, Outcome};
use sim::run_folder::{Manifest, Run};

use super::Refusal;
use super::columns::Role;
use super::table::{FEWEST, Table};

/// A system's jobs, as far as they were seen.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// What it was read from, in words.
    pub source: String,
    /// Arrival instants in ascending order, s from the first; of starts where arrivals were not seen.
    pub arrivals_s: Vec<f64>,
    /// Service times in the order of their starts, s.
    pub services_s: Vec<f64>,
    /// How coarse the clock is, s.
    pub resolution_s: f64,
    /// Rows from which overheads can be told.
    pub records: Vec<JobRecord>,
    /// Number of servers.
    pub servers: u32,
    /// Jobs that a server may hold, where it is said.
    pub prefetch: Option<u32>,
    /// Waits and sojourns, s, where they were seen.
    pub waits_s: Vec<f64>,
    /// Sojourns, s, where they were seen.
    pub sojourns_s: Vec<f64>,
    /// What cannot be told, and what is assumed in its place.
    pub not_identifiable: Vec<String>,
    /// What a reader should know before trusting it.
    pub warnings: Vec<String>,
    /// Where a run was made.
    pub manifest: Option<Manifest>,
}

impl Observed {
    /// The rows of a table.
    ///
    /// With three columns everything is seen. With start and end the arrivals are not; with arrival and end starts
    /// follow from first come, first served on c servers, one of which is free when all but c − 1 of the earlier jobs
    /// have ended:
    ///
    /// ```text
    /// start_n = max(arrival_n, c-th greatest of end_1 … end_{n-1})
    /// ```
    ///
    /// # Errors
    /// [`Refusal::Whole`] if the table contradicts the number of servers.
    pub fn of_table(
        path: &Path,
        table: &Table,
        servers: u32,
        prefetch: Option<u32>,
    ) -> Result<Self, Refusal> {
        let has_arrivals = table.has(Role::Arrival);
        let mut rows = table.rows.clone();
        let mut seen = Observed { servers, prefetch, ..Observed::default() };
        if !has_arrivals {
            rows.iter_mut().for_each(|row| row[0] = row[1]);
            seen.not_identifiable.push(
                "arrivals: start and end do not tell how jobs came; a Poisson process of the same rate is assumed, and \
                 waits and overheads are unknown"
                    .to_owned(),
            );
        } else if !table.has(Role::Start) {
            infer_starts(path, &mut rows, servers)?;
            seen.not_identifiable.push(format!(
                "starts: arrival and end do not tell them; they follow from first come, first served on {}, and what \
                 overheads cost is part of the services",
                super::servers(servers)
            ));
        }
        seen.check_servers(path, &rows)?;
        seen.check_order(&rows);
        let seconds = |ns: i128| ns as f64 * 1e-9;
        let origin = rows[0][0];
        seen.arrivals_s = rows.iter().map(|row| seconds(row[0] - origin)).collect();
        seen.resolution_s = seconds(table.resolution_ns);
        if has_arrivals {
            seen.sojourns_s = rows.iter().map(|row| seconds(row[2] - row[0])).collect();
            seen.waits_s = rows.iter().map(|row| seconds(row[1] - row[0])).collect();
        }
        rows.sort_unstable_by_key(|[arrival, start, end]| (*start, *arrival, *end));
        seen.services_s = rows.iter().map(|row| seconds(row[2] - row[1])).collect();
        if Role::ALL.into_iter().all(|role| table.has(role)) {
            seen.records = records(&rows, servers, |ns| seconds(ns - origin));
        }
        if let Some((count, first)) = &table.skipped {
            seen.warnings.push(format!(
                "{} left out, and their arrivals are missing; the first: {first}",
                if *count == 1 { "1 row was".to_owned() } else { format!("{count} rows were") }
            ));
        }
        let file = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let mut units: Vec<&str> = table.units.iter().map(|unit| unit.name()).collect();
        units.dedup();
        seen.source = format!("{file}: {} jobs, time stamps in {}", rows.len(), units.join(", "));
        Ok(seen)
    }

    /// The jobs of a run; its services are the demands, since what goes beyond them is an overhead.
    ///
    /// # Errors
    /// [`Refusal::Whole`] if the run is not of one plain queue, or too short.
    pub fn of_run(run: &Run) -> Result<Self, Refusal> {
        if !run.scenario.is_plain_fcfs() {
            let rule = "one class of jobs at one queue is fitted, first come, first served, without limit or trouble";
            let problem = format!("the run is of `{}`", run.scenario.name());
            return Err(Refusal::whole(&run.path, problem, rule, "use the scenario that lies in its folder"));
        }
        if run.jobs.len() < FEWEST {
            let rule = format!("at least {FEWEST} jobs tell a law from another");
            let problem = format!("{} jobs are there", run.jobs.len());
            return Err(Refusal::whole(&run.path, problem, &rule, "drive a longer run"));
        }
        let mut jobs = run.jobs.clone();
        jobs.sort_by(|a, b| a.due_s.total_cmp(&b.due_s));
        let has_deliveries = jobs.iter().any(|job| job.delivered_s.is_some());
        for job in jobs.iter_mut().filter(|_| !has_deliveries) {
            // In a simulation a job is in a server's hands when it starts; with more in hand nothing is known.
            job.delivered_s = job.start_s.filter(|_| run.scenario.effective_prefetch() == 1);
        }
        let measured = || jobs.iter().filter(|job| !job.warmup && job.outcome == Outcome::Served);
        let reasons = run.manifest.live.iter().flat_map(|live| &live.validity.reasons);
        let invalid = reasons.map(|reason| format!("the run is not valid: {reason}"));
        let name = run.path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Observed {
            source: format!("{name}: {} jobs", jobs.len()),
            arrivals_s: jobs.iter().map(|job| job.due_s - jobs[0].due_s).collect(),
            services_s: jobs.iter().map(|job| job.demand_s).collect(),
            resolution_s: 1e-9,
            servers: run.scenario.queue().servers(),
            prefetch: run.scenario.queue().prefetch(),
            waits_s: measured().filter_map(JobRecord::wait_s).collect(),
            sojourns_s: measured().filter_map(JobRecord::sojourn_s).collect(),
            not_identifiable: Vec::new(),
            warnings: run.warning().into_iter().chain(invalid).collect(),
            manifest: Some(run.manifest.clone()),
            records: jobs,
        })
    }

    /// Refuses more jobs in service than servers, and warns of servers that were never needed.
    fn check_servers(&mut self, path: &Path, rows: &[[i128; 3]]) -> Result<(), Refusal> {
        // An end makes room for a start at the same instant.
        let events =
            rows.iter().filter(|row| row[2] > row[1]).flat_map(|row| [(row[2], -1_i64), (row[1], 1)]);
        let mut events: Vec<(i128, i64)> = events.collect();
        events.sort_unstable();
        let (mut now, mut most, mut most_at) = (0, 0, 0);
        for (at, change) in events {
            now += change;
            if now > most {
                (most, most_at) = (now, at);
            }
        }
        let servers = i64::from(self.servers);
        if most > servers {
            let after_s = (most_at - rows[0][0]) as f64 * 1e-9;
            let problem =
                format!("{most} jobs are in service at once, {after_s:.3} s after the first arrival");
            let rule = match servers {
                1 => "1 server works on 1 job at most".to_owned(),
                _ => format!("{servers} servers work on {servers} jobs at most"),
            };
            return Err(Refusal::whole(
                path,
                problem,
                &rule,
                &format!(
                    "--servers {most}, if that many work there; if rows are there twice, leave them out"
                ),
            ));
        }
        if most < servers {
            self.warnings
                .push(format!("of {} never more than {most} worked at once", super::servers(self.servers)));
        }
        Ok(())
    }

    /// Warns of jobs that were begun before one that had come earlier.
    fn check_order(&mut self, rows: &[[i128; 3]]) {
        let mut latest = i128::MIN;
        let overtaken = rows.iter().filter(|row| {
            let is_late = row[1] < latest;
            latest = latest.max(row[1]);
            is_late
        });
        let share = overtaken.count() as f64 / rows.len() as f64;
        if share > 0.01 {
            self.warnings.push(format!(
                "{:.0} % of the jobs were begun before one that came earlier: the scenario serves first come, first \
                 served, whose mean wait is the same and whose quantiles are not",
                100.0 * share
            ));
        }
    }
}

/// Fills in the starts of first come, first served on some servers.
fn infer_starts(path: &Path, rows: &mut [[i128; 3]], servers: u32) -> Result<(), Refusal> {
    let mut free: BinaryHeap<Reverse<i128>> = BinaryHeap::new();
    for (n, row) in rows.iter_mut().enumerate() {
        let free_at = if free.len() < servers as usize { None } else { free.pop().map(|Reverse(at)| at) };
        row[1] = free_at.map_or(row[0], |at| at.max(row[0]));
        if row[2] < row[1] {
            let problem = format!("the {}. job to arrive ends before a server is free to begin it", n + 1);
            let rule = format!(
                "without starts, jobs are served first come, first served by {}",
                super::servers(servers)
            );
            let remedy = "give --servers their number, or a column of starts with --start";
            return Err(Refusal::whole(path, problem, &rule, remedy));
        }
        free.push(Reverse(row[2]));
    }
    Ok(())
}

/// Records of rows in the order of their starts; each job has the server that was free first.
fn records(rows: &[[i128; 3]], servers: u32, seconds: impl Fn(i128) -> f64) -> Vec<JobRecord> {
    let mut free: BinaryHeap<Reverse<(i128, u32)>> =
        (0..servers).map(|server| Reverse((i128::MIN, server))).collect();
    let record = |(job, [arrival, start, end]): (usize, &[i128; 3])| {
        let Reverse((_, server)) = free.pop().expect("every server comes back with the end of its job");
        free.push(Reverse((*end, server)));
        let (start_s, done_s) = (seconds(*start), seconds(*end));
        JobRecord {
            job: job as u64,
            // Jobs from before the table may still be in service at its beginning.
            warmup: job < rows.len() / 20,
            due_s: seconds(*arrival),
            delivered_s: Some(start_s),
            start_s: Some(start_s),
            done_s: Some(done_s),
            server: Some(server),
            demand_s: done_s - start_s,
            attempts: 1,
            outcome: Outcome::Served,
            ..JobRecord::default()
        }
    };
    rows.iter().enumerate().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_follow_from_arrivals_and_ends_of_several_servers() {
        // Two servers: the third job waits for the first to end, the fourth finds one idle.
        let full = [[0, 0, 10], [1, 1, 4], [2, 4, 6], [8, 8, 9], [8, 9, 12]];
        let mut rows = full.map(|[arrival, _, end]| [arrival, 0, end]);
        infer_starts(Path::new("f"), &mut rows, 2).unwrap();
        assert_eq!(rows, full);
        let refusal = infer_starts(Path::new("f"), &mut rows, 1).unwrap_err().to_string();
        assert!(refusal.contains("the 2. job to arrive ends before"), "{refusal}");
    }
}
