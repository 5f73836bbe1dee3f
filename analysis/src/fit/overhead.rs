//! What a system takes beside its services, as far as instants tell.

use std::path::Path;

use sim::calibration::{Calibration, Measured, MeasuredTerms};

use super::observed::Observed;
use super::{Fitted, NORMAL_95};

/// The terms of the recursion at prefetch 1, or why they cannot be told.
///
/// In a table of somebody's own system a service is what was seen of it, so it has no overshoot.
///
/// # Errors
/// The reason, in words.
pub fn terms(observed: &Observed) -> Result<MeasuredTerms, String> {
    if observed.records.is_empty() {
        return Err("overheads take arrivals, starts and ends".to_owned());
    }
    let prefetch = observed.prefetch.unwrap_or(1);
    if prefetch > 1 && observed.manifest.is_none() {
        return Err(format!("at prefetch {prefetch} overheads take the instants of deliveries, too"));
    }
    let fitted = sim::calibration::fit(&observed.records, prefetch).map_err(|error| error.to_string())?;
    let negative = fitted.named().find(|(_, term)| term.mean_s < 0.0);
    match negative.map(|(name, term)| format!("{name}: {} s, and an overhead is not negative", term.mean_s)) {
        Some(reason) => Err(reason),
        None => Ok(fitted),
    }
}

/// Whether a term differs from none by more than the clock can see and chance explains.
pub fn is_seen(term: &Measured, resolution_s: f64) -> bool {
    term.mean_s > resolution_s.max(1e-9) && term.mean_s > 3.0 * term.standard_error_s
}

/// The calibration file of the terms; `made` is RFC 3339 in UTC.
pub fn calibration(
    observed: &Observed,
    fitted: &Fitted,
    terms: MeasuredTerms,
    source: &Path,
    made: String,
) -> Calibration {
    let manifest = observed.manifest.as_ref();
    let deployment = manifest.and_then(|manifest| manifest.deployment.as_ref());
    let unknown = || "unknown".to_owned();
    Calibration {
        schema: sim::calibration::SCHEMA,
        made,
        queue_type: deployment.map_or_else(unknown, |deployment| deployment.queue_type.clone()),
        prefetch: observed.prefetch.unwrap_or(1),
        servers: observed.servers,
        broker: deployment.map_or_else(
            || format!("fitted to {}", source.display()),
            |deployment| deployment.broker.clone(),
        ),
        machine: manifest.map_or_else(unknown, |manifest| {
            format!("{}, {} cores", manifest.machine.processor, manifest.machine.cores)
        }),
        arrival_rate: fitted.arrival_rate.estimate,
        mean_service_s: fitted.mean_service_s.estimate,
        mean_service_error_s: Some(fitted.mean_service_s.half_width / NORMAL_95),
        jobs: observed.records.iter().filter(|record| !record.warmup).count() as u64,
        valid: true,
        stolen: manifest.and_then(|manifest| manifest.live.as_ref()).map_or(0.0, |live| live.stolen),
        via: deployment.map_or_else(unknown, |deployment| deployment.via.clone()),
        awake: deployment.is_some_and(|deployment| deployment.awake),
        sustainable: None,
        timer: None,
        terms,
    }
}
