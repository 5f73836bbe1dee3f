//! `histograms.hlog`: a run as an HdrHistogram interval log, for people with those tools.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use sim::model::JobRecord;

use crate::clock::nanoseconds;

/// Name of the file in a run folder.
pub const FILE: &str = "histograms.hlog";

/// Length of an interval, s.
const INTERVAL_S: f64 = 1.0;

/// Significant decimal digits of a value.
const DIGITS: u8 = 3;

/// The values that a job gives, by tag: when it was known, and what, s.
type Values<'a> = [(&'static str, Option<(f64, f64)>); 5];

/// Writes the measured jobs' times as histograms of one second each, in nanoseconds, tagged `lateness`, `api_latency`,
/// `wait`, `service` and `sojourn`; each value counts in the second in which it became known.
///
/// `started` is when the run began; intervals are seconds after it.
///
/// # Errors
/// The system's error if the file cannot be written.
///
/// # References
/// Tene, *HdrHistogram* V2 encoding and interval log, version 1.3.
pub fn write(path: &Path, started: SystemTime, records: &[JobRecord]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut serializer = V2DeflateSerializer::new();
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("[values in ns; maxima in ms]")
        .with_start_time(started)
        .with_base_time(started)
        .with_max_value_divisor(1e6)
        .begin_log_with(&mut file, &mut serializer)?;
    for ((second, tag), histogram) in intervals(records) {
        let tag = Tag::new(tag).expect("the tags are plain words");
        let begun = Duration::from_secs_f64(second as f64 * INTERVAL_S);
        let length = Duration::from_secs_f64(INTERVAL_S);
        log.write_histogram(&histogram, begun, length, Some(tag))
            .map_err(|error| io::Error::other(error.to_string()))?;
    }
    file.flush()
}

fn intervals(records: &[JobRecord]) -> BTreeMap<(u64, &'static str), Histogram<u32>> {
    let mut intervals = BTreeMap::new();
    for record in records.iter().filter(|record| !record.warmup) {
        for (tag, value) in values(record) {
            let Some((known_s, value_s)) = value else { continue };
            let second = (known_s.max(0.0) / INTERVAL_S) as u64;
            let histogram: &mut Histogram<u32> = intervals.entry((second, tag)).or_insert_with(|| {
                Histogram::new(DIGITS).expect("three digits are among those that are supported")
            });
            histogram.record(nanoseconds(value_s.max(0.0))).expect("it grows with its values");
        }
    }
    intervals
}

fn values(record: &JobRecord) -> Values<'_> {
    let since_due = |known_s: Option<f64>| Some((known_s?, known_s? - record.due_s));
    [
        ("lateness", since_due(record.sent_s)),
        ("api_latency", since_due(record.responded_s)),
        ("wait", since_due(record.start_s)),
        ("service", record.done_s.zip(record.service_s())),
        ("sojourn", since_due(record.done_s)),
    ]
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    #[test]
    fn the_log_holds_every_measured_value_in_its_second() {
        let record = |job: u64, warmup| {
            let due_s = 0.4 * job as f64;
            JobRecord {
                job,
                warmup,
                due_s,
                sent_s: Some(due_s),
                responded_s: Some(due_s + 0.001),
                start_s: Some(due_s + 0.1),
                done_s: Some(due_s + 0.15),
                ..JobRecord::default()
            }
        };
        let records: Vec<JobRecord> = (0..10).map(|job| record(job, job < 2)).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        write(&path, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000), &records).unwrap();
        let text = std::fs::read(&path).unwrap();
        let (mut base, mut counts) = (false, BTreeMap::new());
        for entry in IntervalLogIterator::new(&text) {
            match entry.unwrap() {
                LogEntry::BaseTime(time) => base = time == Duration::from_secs(1_000),
                LogEntry::Interval(interval) => {
                    let tag: Cow<'_, str> = interval.tag().unwrap().as_str().to_owned().into();
                    let bytes = base64(interval.encoded_histogram());
                    let histogram: Histogram<u64> =
                        Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                    let expected_ns = match tag.as_ref() {
                        "lateness" => 0,
                        "api_latency" => 1_000_000,
                        "wait" => 100_000_000,
                        "service" => 50_000_000,
                        _ => 150_000_000,
                    };
                    assert!(histogram.max().abs_diff(expected_ns) <= expected_ns / 1000, "{tag}");
                    assert!(histogram.min().abs_diff(expected_ns) <= expected_ns / 1000, "{tag}");
                    *counts.entry(tag.into_owned()).or_insert(0) += histogram.len();
                }
                _ => {}
            }
        }
        assert!(base);
        let tags = ["api_latency", "lateness", "service", "sojourn", "wait"];
        assert_eq!(counts, BTreeMap::from(tags.map(|tag| (tag.to_owned(), 8))));
    }

    /// The bytes of a base64 text.
    fn base64(text: &str) -> Vec<u8> {
        let digit = |byte: u8| match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
        let join = |digits: &[u8]| digits.iter().fold(0_u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bytes = digits.chunks(4).flat_map(|digits| {
            let bits = join(digits) << (6 * (4 - digits.len()));
            let count = digits.len() * 6 / 8;
            bits.to_be_bytes()[1..=count].to_vec()
        });
        bytes.collect()
    }
}
