use sim::plot::PictureError;

use super::evidence::Lazy;
use super::*;
use crate::control::Control;
use crate::control::verification::sample;
use crate::ladder::{Figures, Rung};
use crate::pair::{Series, Served};
use crate::residual::{Leg, Pause, Residuals};

/// A series of (due, wait), s.
pub(super) fn series(jobs: &[(f64, f64)]) -> Series {
    let mut series = Series::default();
    for (n, (due_s, wait_s)) in jobs.iter().enumerate() {
        let start_s = due_s + wait_s;
        series.push(n as u64, *due_s, Served { start_s, done_s: start_s + 0.005 });
    }
    series
}

pub(super) fn rung(rung: &'static str, mean: Option<f64>, share: Option<f64>) -> Rung {
    let only = |mean_wait_s| Figures { mean_wait_s, p99_wait_s: mean_wait_s, ..Figures::default() };
    Rung { rung, figures: only(mean), share: only(share) }
}

/// What evidence is borrowed from.
struct Data {
    title: String,
    predicted: Series,
    ideal: Series,
    seen: Series,
    shares_jobs: bool,
    is_steady: bool,
    ladder: Vec<Rung>,
    residuals: Option<Residuals>,
    control: Control,
}

impl Data {
    fn of(predicted: Series, ideal: Series, seen: Series) -> Self {
        let pause = |n: u64| Pause {
            job: n,
            at_s: seen.due_s[0],
            lasted_s: 0.2 / (1.0 + n as f64),
            coincided: Leg::Consumer,
            leg_excess_s: 0.1,
            others: 0,
            delayed_jobs: 3,
        };
        let residual = |n: usize| if n.is_multiple_of(971) { 0.2 } else { (n % 7) as f64 * 1e-5 - 3e-5 };
        let residuals = Residuals {
            p50_s: 0.0,
            p99_s: 1e-4,
            lag1_correlation: 0.0,
            pauses: (0..4).map(pause).collect(),
            series: seen.due_s.iter().enumerate().map(|(n, due_s)| (*due_s, residual(n))).collect(),
        };
        Data {
            title: "mm1-rho80".to_owned(),
            shares_jobs: true,
            is_steady: true,
            ladder: vec![
                rung("textbook", Some(0.02), None),
                rung("fitted_rates", Some(0.019), Some(-0.001)),
                rung("measured_arrivals", None, None),
                rung("dispatch", Some(0.03), Some(0.011)),
                rung("observed", Some(0.031), Some(0.001)),
            ],
            residuals: Some(residuals),
            control: sample(),
            predicted,
            ideal,
            seen,
        }
    }

    fn evidence(&self) -> Evidence<'_> {
        Evidence {
            title: self.title.clone(),
            setup: "RabbitMQ 3.10.8, classic queue, prefetch 1".to_owned(),
            predicted: &self.predicted,
            ideal: &self.ideal,
            seen: &self.seen,
            shares_jobs: self.shares_jobs,
            is_steady: self.is_steady,
            ladder: &self.ladder,
            residuals: self.residuals.as_ref(),
            control: Some(&self.control),
            seed: 7,
            pair: None,
            lazy: Lazy::default(),
        }
    }
}

fn steady(jobs: usize, wait_s: f64) -> Data {
    let times =
        |factor: f64| series(&(0..jobs).map(|n| (n as f64 * 0.01, factor * wait_s)).collect::<Vec<_>>());
    Data::of(times(0.9), times(0.6), times(1.0))
}

fn varied(jobs: usize) -> Data {
    let wait = |n: usize, factor: f64| factor * ((n * 7919 % 1009) as f64 / 1009.0).powi(3);
    let times = |factor: f64, shift: usize| {
        series(&(0..jobs).map(|n| (n as f64 * 0.01, wait(n + shift * (n % 3), factor))).collect::<Vec<_>>())
    };
    Data::of(times(0.15, 0), times(0.1, 0), times(0.16, 1))
}

/// As many jobs as one likes, of its own.
fn unpaired(predicted: usize, seen: usize) -> Data {
    Data {
        shares_jobs: false,
        ..Data::of(varied(predicted).predicted, varied(predicted).ideal, varied(seen).seen)
    }
}

/// Waits that grow with the run.
fn overloaded(jobs: usize) -> Data {
    let growing =
        |rate: f64| series(&(0..jobs).map(|n| (n as f64 * 0.01, n as f64 * rate)).collect::<Vec<_>>());
    Data { is_steady: false, ..Data::of(growing(0.002), growing(0.001), growing(0.0021)) }
}

#[test]
fn every_plot_is_written_as_a_png_of_1600_by_1000() {
    let folder = tempfile::tempdir().unwrap();
    let data = varied(3000);
    let evidence = data.evidence();
    for plot in Plot::ALL {
        let path = folder.path().join(plot.name()).with_extension("png");
        plot.png(&evidence, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{plot:?}");
        assert_eq!(bytes[16..24], [0, 0, 0x06, 0x40, 0, 0, 0x03, 0xe8], "{plot:?}");
    }
}

#[test]
fn every_svg_can_stand_in_a_page() {
    let data = varied(100_000);
    let evidence = data.evidence();
    for plot in Plot::ALL {
        let svg = plot.svg(&evidence).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{plot:?}");
        assert!(svg.contains("role=\"img\"") && svg.contains(plot.heading()), "{plot:?}");
        assert!(svg.contains("<title>") && svg.contains("<desc>") && svg.contains("mm1-rho80"), "{plot:?}");
        assert!(!svg.contains(" id=") && !svg.contains("<?xml"), "{plot:?}");
        assert!(svg.len() < 400_000, "{plot:?} takes {} bytes", svg.len());
    }
}

#[test]
fn a_plot_is_saved_in_the_format_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let data = varied(50);
    let (png, svg) = (folder.path().join("a.png"), folder.path().join("a.svg"));
    Plot::QueueLength.save(&data.evidence(), &png).unwrap();
    Plot::QueueLength.save(&data.evidence(), &svg).unwrap();
    assert!(
        std::fs::read(png).unwrap().starts_with(b"\x89PNG")
            && std::fs::read(svg).unwrap().starts_with(b"<svg")
    );
    let error = Plot::QueueLength.save(&data.evidence(), &folder.path().join("a.pdf")).unwrap_err();
    assert!(error.to_string().contains(".png or .svg"), "{error}");
}

#[test]
fn titles_cannot_break_the_markup_or_leave_the_picture() {
    let data = Data { title: "a<b>&\"c\"\u{0}\n".repeat(500), ..varied(50) };
    for plot in Plot::ALL {
        let svg = plot.svg(&data.evidence()).unwrap();
        assert!(!svg.contains("<b>") && !svg.contains('\u{0}'), "{plot:?}");
        assert!(svg.contains("… · 50 jobs"), "{plot:?}");
    }
}

#[test]
fn unusual_but_valid_data_are_drawn() {
    let at_once = |wait_s: f64| series(&[(1.0, wait_s); 20]);
    let at_once = Data::of(at_once(0.3), at_once(0.2), at_once(0.3));
    let negative = |wait_s: f64| series(&(0..20).map(|n| (f64::from(n), wait_s)).collect::<Vec<_>>());
    let negative = Data::of(negative(0.01), negative(0.01), negative(-0.002));
    let few = [
        steady(1, 0.0),
        steady(1, 0.02),
        steady(2, 0.02),
        steady(300, 0.0),
        steady(300, 7.0),
        steady(3, 9e8),
    ];
    let no_answer = Data { ladder: vec![rung("textbook", None, None)], ..steady(3, 0.1) };
    let odd =
        [at_once, negative, overloaded(1), overloaded(3000), unpaired(900, 1700), unpaired(1, 5), no_answer];
    for (n, data) in few.into_iter().chain(odd).enumerate() {
        let evidence = data.evidence();
        for plot in evidence.plots() {
            let svg = plot.svg(&evidence).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{plot:?} of data {n}");
        }
    }
}

#[test]
fn a_run_without_a_steady_state_shows_no_figure_of_one() {
    let data = overloaded(3000);
    assert_eq!(
        data.evidence().plots(),
        [Plot::QueueLength, Plot::Residuals, Plot::Errors, Plot::ControlCharts]
    );
    for plot in data.evidence().plots() {
        let svg = plot.svg(&data.evidence()).unwrap();
        assert!(svg.contains("no steady state") && !svg.contains(", mean"), "{plot:?}");
    }
    for plot in [Plot::Ladder, Plot::WaitCdf, Plot::QuantileQuantile] {
        let error = plot.svg(&data.evidence()).unwrap_err();
        assert!(matches!(error, PlotError::NoSteadyState), "{plot:?}: {error}");
    }
}

#[test]
fn jobs_of_its_own_have_no_errors_job_by_job() {
    let data = unpaired(900, 1700);
    assert!(!data.evidence().plots().contains(&Plot::Errors));
    let error = Plot::Errors.svg(&data.evidence()).unwrap_err();
    assert!(matches!(error, PlotError::OtherJobs) && error.to_string().contains("remedy: "), "{error}");
    assert!(Plot::QueueLength.svg(&data.evidence()).unwrap().contains("predicted, jobs of its own"));
}

#[test]
fn a_run_that_does_not_tell_its_overheads_has_no_residuals() {
    let data = Data { residuals: None, ..varied(50) };
    assert!(!data.evidence().plots().contains(&Plot::Residuals));
    assert!(matches!(Plot::Residuals.svg(&data.evidence()), Err(PlotError::NoOverheads)));
}

#[test]
fn no_jobs_are_refused() {
    assert!(matches!(
        Plot::WaitCdf.svg(&steady(1, 0.0).without_predictions().evidence()),
        Err(PlotError::NoJobs { series: "predicted" })
    ));
}

impl Data {
    fn without_predictions(self) -> Self {
        Data { predicted: Series::default(), ..self }
    }
}

#[test]
fn values_that_are_no_times_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut data = steady(5, 0.1);
        data.predicted.wait_s[3] = value;
        let error = Plot::QueueLength.svg(&data.evidence()).unwrap_err();
        assert!(matches!(error, PlotError::NotATime { series: "predicted", job: 3, .. }), "{value}");
    }
}

#[test]
fn a_picture_that_cannot_be_written_names_its_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["missing/plot.png", "plot.jpg"] {
        let error = Plot::WaitCdf.png(&steady(5, 0.1).evidence(), &folder.path().join(name)).unwrap_err();
        assert!(
            matches!(error, PlotError::Picture(PictureError::Write { .. }))
                && error.to_string().contains(name),
            "{error}"
        );
    }
}

#[test]
fn names_are_distinct_file_stems() {
    let names: std::collections::BTreeSet<_> = Plot::ALL.iter().map(|plot| plot.name()).collect();
    assert_eq!(names.len(), Plot::ALL.len());
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
}
