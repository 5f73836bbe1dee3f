//! What a figure calls keys and figures, with their units.

use crate::plot::axis::TimeUnit;

/// A figure in words.
pub(super) fn words(metric: &str) -> String {
    let known = match metric {
        "utilization" => "utilization",
        "mean_wait_s" => "mean wait",
        "mean_sojourn_s" => "mean sojourn",
        "mean_queue_length" => "mean number of jobs waiting",
        "mean_in_system" => "mean number of jobs in the system",
        "throughput" => "throughput",
        "prob_wait" => "probability of waiting",
        "prob_blocked" => "probability of being refused",
        "prob_abandon" => "probability of giving up",
        other => return quantile(other).unwrap_or_else(|| other.to_owned()),
    };
    known.to_owned()
}

fn quantile(metric: &str) -> Option<String> {
    let (percent, law) = metric.strip_prefix('p')?.split_once('_')?;
    Some(format!("{percent} % quantile of the {}", law.strip_suffix("_s")?))
}

/// The unit of a figure, and how many of it make what the table holds.
pub(super) fn unit(metric: &str, values: impl Iterator<Item = f64>) -> (&'static str, f64) {
    match metric {
        "throughput" => ("jobs/s", 1.0),
        time if time.ends_with("_s") => {
            let TimeUnit { name, per_second } = TimeUnit::fitting(values);
            (name, per_second)
        }
        _ => ("", 1.0),
    }
}

/// A key with its unit: those of the scenario file follow from its last part.
pub(super) fn axis_title(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or(key);
    let unit = match last {
        "rate" => "jobs/s",
        "mean" if key.contains("batch") => "jobs",
        "mean" => "s",
        "capacity" | "prefetch" | "jobs" => "jobs",
        _ if last.ends_with("_s") => "s",
        _ => return key.to_owned(),
    };
    format!("{key} ({unit})")
}

/// The text with a capital at its beginning.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A value without the punctuation of TOML: `{kind="erlang",stages=3}` is `erlang, stages 3`.
pub(super) fn short(label: &str) -> String {
    let Some(inner) = label.strip_prefix('{').and_then(|label| label.strip_suffix('}')) else {
        return label.to_owned();
    };
    let plain = |part: &str| match part.split_once('=') {
        Some((key, value)) if key.trim() == "kind" => value.trim().replace('"', ""),
        Some((key, value)) => format!("{} {}", key.trim(), value.trim().replace('"', "")),
        None => part.trim().to_owned(),
    };
    inner.split(',').map(plain).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_figures_are_called_with_their_units() {
        assert_eq!(axis_title("class[1].arrivals.rate"), "class[1].arrivals.rate (jobs/s)");
        assert_eq!(axis_title("queue.servers"), "queue.servers");
        assert_eq!(axis_title("transient.until_s"), "transient.until_s (s)");
        assert_eq!(words("p99.9_wait_s"), "99.9 % quantile of the wait");
        assert_eq!(unit("mean_wait_s", [0.02].into_iter()), ("ms", 1000.0));
        assert_eq!(unit("prob_wait", [0.02].into_iter()), ("", 1.0));
    }

    #[test]
    fn values_are_shown_without_punctuation() {
        let shown = ["{kind=\"erlang\",stages=3}", "{ kind = \"fcfs\" }", "0.5"].map(short);
        assert_eq!(shown, ["erlang, stages 3", "fcfs", "0.5"]);
    }
}
