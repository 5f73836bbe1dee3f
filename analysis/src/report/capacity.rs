//! Capacity in words and as a table.

use sim::estimate::Metric;

use super::numbers::{NOTHING, chance as chance_of, count, number, portion, rate, time, times};
use super::sheet::{Sheet, wrapped};
use crate::capacity::{Answer, Backlog, Drained, Forecast, System};

/// Longest line on a terminal.
const WIDTH: usize = 100;

/// What was asked and answered, for a terminal.
pub fn capacity(system: &System, answer: &Answer) -> String {
    let lines = [
        verdict(answer),
        String::new(),
        format!(
            "{}: λ = {}/s, E[S] = {}; {}",
            system.scenario.name(),
            rate(answer.arrival_rate),
            time(system.scenario.mean_service_of(0, 0)),
            basis(answer)
        ),
        String::new(),
    ];
    let mut text: String = lines.iter().map(|line| wrapped(line, WIDTH, 0) + "\n").collect();
    text.push_str(&consumers(answer).text(WIDTH));
    text.push('\n');
    for line in [sensitivity(answer), largest_rate(answer), pauses(answer)] {
        text.push_str(&(wrapped(&line, WIDTH, 2) + "\n"));
    }
    if let Some(outage) = &answer.outage {
        text.push_str(&format!("\n{}\n", outage_title(outage)));
        text.push_str(&drained(outage).text(WIDTH));
    }
    text.truncate(text.trim_end().len());
    text
}

fn verdict(answer: &Answer) -> String {
    let (target, fewest) = (answer.target, answer.staffing.fewest);
    let found = answer.staffing.consumers.iter().find(|candidate| candidate.servers == fewest);
    let chance = found.and_then(|candidate| candidate.forecast.chance_of_missing);
    let consumers =
        if fewest == 1 { "1 CONSUMER".to_owned() } else { format!("{} CONSUMERS", count(u64::from(fewest))) };
    format!(
        "{consumers} for {} jobs/s with a {} of at most {}; the chance that {} not enough {}",
        rate(answer.arrival_rate),
        target.metric,
        time(target.at_most_s),
        if fewest == 1 { "it is" } else { "they are" },
        chance.map_or_else(|| "is not told".to_owned(), |chance| format!("is {}", chance_of(chance)))
    )
}

fn basis(answer: &Answer) -> String {
    let source = &answer.source;
    let Some(calibration) = &source.calibration else { return "ideal queue, no calibration".to_owned() };
    let kind = source.queue_type.as_ref().map_or_else(String::new, |kind| format!(", {kind} queue"));
    let with = source
        .measured_with
        .map_or_else(String::new, |with| format!(", measured with {with} {}", consumers_of(with)));
    format!("overheads of {calibration}{kind}{with}")
}

/// The word for so many of them.
fn consumers_of(count: u32) -> &'static str {
    if count == 1 { "consumer" } else { "consumers" }
}

fn consumers(answer: &Answer) -> Sheet {
    let columns = ["busy (ρ′)", "figure", "90 % interval", "chance of missing", "enough"];
    let mut sheet = Sheet::new("Consumers", "consumers", &columns, &[]);
    for candidate in &answer.staffing.consumers {
        let forecast = &candidate.forecast;
        let interval = match (forecast.low_s, forecast.high_s) {
            (Some(low), Some(high)) => times(low, high),
            (Some(low), None) => format!("{} or more, or no steady state", time(low)),
            _ if candidate.effective_utilization < 1.0 => "no run is long enough to tell".to_owned(),
            _ => "no steady state".to_owned(),
        };
        let cells = vec![
            busy(candidate.effective_utilization),
            shown(forecast),
            interval,
            forecast.chance_of_missing.map_or_else(|| NOTHING.to_owned(), chance_of),
            match forecast {
                Forecast { meets: true, .. } => "yes",
                Forecast { chance_of_missing: None, .. } => NOTHING,
                _ => "no",
            }
            .to_owned(),
        ];
        sheet.push(count(u64::from(candidate.servers)), cells);
    }
    sheet
}

/// A utilization; what is not all of the time is not shown as that.
fn busy(utilization: f64) -> String {
    match utilization {
        0.9995..1.0 => format!("{:.3} %", (1e5 * utilization).floor() / 1e3),
        other => portion(other),
    }
}

/// The figure, marked where it was not simulated.
fn shown(forecast: &Forecast) -> String {
    let value = forecast.value_s.map_or_else(|| NOTHING.to_owned(), time);
    if forecast.is_approximate { format!("≈ {value}") } else { value }
}

fn sensitivity(answer: &Answer) -> String {
    let found = &answer.sensitivity;
    let ideal = found
        .ideal_mean_sojourn
        .map_or_else(String::new, |ideal| format!(" (ideal queue: {})", portion(0.01 * ideal.abs())));
    let capacity =
        format!("1 % less capacity of {} {}", count(u64::from(found.servers)), consumers_of(found.servers));
    let Some(mean_sojourn) = found.mean_sojourn else {
        return format!("sensitivity: {capacity} leaves no steady state, or one that nothing tells");
    };
    let is_another = answer.target.metric != Metric::MeanSojourn;
    let of_target = found.target.filter(|_| is_another).map_or_else(String::new, |target| {
        format!(", and {} more {}", portion(0.01 * target.abs()), answer.target.metric)
    });
    format!(
        "sensitivity: {capacity} is {} more mean sojourn{ideal}{of_target}",
        portion(0.01 * mean_sojourn.abs())
    )
}

fn largest_rate(answer: &Answer) -> String {
    let found = &answer.largest_rate;
    let servers = count(u64::from(found.servers));
    let limit = format!("they complete {} jobs/s if they never run dry", rate(found.sustainable_rate));
    let certain = found
        .certain_rate
        .map_or_else(String::new, |certain| format!(", {} jobs/s to be 95 % sure", rate(certain)));
    match (found.arrival_rate, found.forecast) {
        (Some(largest), Some(forecast)) => format!(
            "largest load of the present {servers}: {} jobs/s ({} {}, chance of missing {}){certain}; {limit}",
            rate(largest),
            answer.target.metric,
            shown(&forecast),
            forecast.chance_of_missing.map_or_else(|| NOTHING.to_owned(), chance_of)
        ),
        _ => format!("largest load of the present {servers}: none meets the target; {limit}"),
    }
}

fn pauses(answer: &Answer) -> String {
    let Some(found) = &answer.pauses else {
        return "pauses: not told; --pause-s asks for a length".to_owned();
    };
    let harm = match answer.target.metric.probability() {
        Some(_) if found.harm >= 10.0 => format!("makes {} jobs late", count(found.harm.round() as u64)),
        Some(_) => format!("makes {} jobs late", number(found.harm)),
        None => format!("adds {} to the times of all jobs together", time(found.harm)),
    };
    let bears = match found.one_in_s {
        Some(one_in_s) => format!("the target bears one in {} s, at random", number(one_in_s)),
        None => "the target leaves no room for any".to_owned(),
    };
    format!(
        "pauses: one of {}, of broker or machine, with {} {} {harm}; {bears}. None is in the chance of missing",
        time(found.pause_s),
        count(u64::from(found.servers)),
        consumers_of(found.servers)
    )
}

fn outage_title(outage: &Backlog) -> String {
    format!(
        "{} gone for {} s ({} outages simulated{})",
        match outage.servers {
            1 => "the only consumer".to_owned(),
            servers => format!("all {} consumers", count(u64::from(servers))),
        },
        number(outage.outage_s),
        outage.runs,
        match outage.unfinished {
            0 => String::new(),
            some => format!("; {some} of them not worked off at the end, so upper ends are at least that"),
        }
    )
}

fn drained(outage: &Backlog) -> Sheet {
    let ends = if outage.has_quantiles() { "5 % – 95 %" } else { "least – greatest" };
    let mut sheet = Sheet::new("Outage", "", &["fluid", "simulated, middle", ends], &[]);
    let jobs = |value: f64| count(value.round() as u64);
    let seconds = |value: f64| format!("{} s", number(value));
    let mut push = |name: &str, of: &Drained, shown: &dyn Fn(f64) -> String| {
        sheet.push(
            name,
            vec![shown(of.fluid), shown(of.median), format!("{} – {}", shown(of.low), shown(of.high))],
        );
    };
    push("peak backlog, jobs", &outage.peak_backlog, &jobs);
    push("drained after", &outage.drain_s, &seconds);
    push("jobs over the target", &outage.jobs_over_target, &jobs);
    sheet
}
