use super::*;

fn steady(jobs: usize, wait_s: f64) -> PairedWaits {
    PairedWaits {
        title: "mm1-rho80".to_owned(),
        setup: "RabbitMQ 3.10.8, classic, prefetch 1".to_owned(),
        due_s: (0..jobs).map(|i| i as f64 * 0.01).collect(),
        ideal_wait_s: vec![wait_s * 0.6; jobs],
        predicted_wait_s: vec![wait_s * 0.9; jobs],
        observed_wait_s: vec![wait_s; jobs],
    }
}

fn varied(jobs: usize) -> PairedWaits {
    let wait = |i: usize, factor: f64| factor * ((i * 7919 % 1009) as f64 / 1009.0).powi(3);
    PairedWaits {
        ideal_wait_s: (0..jobs).map(|i| wait(i, 0.1)).collect(),
        predicted_wait_s: (0..jobs).map(|i| wait(i, 0.15)).collect(),
        observed_wait_s: (0..jobs).map(|i| wait(i + i % 3, 0.16)).collect(),
        ..steady(jobs, 0.0)
    }
}

#[test]
fn every_plot_is_written_as_a_png_of_1600_by_1000() {
    let folder = tempfile::tempdir().unwrap();
    for plot in Plot::ALL {
        let path = folder.path().join(plot.name()).with_extension("png");
        plot.png(&varied(5000), &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{plot:?}");
        assert_eq!(bytes[16..24], [0, 0, 0x06, 0x40, 0, 0, 0x03, 0xe8], "{plot:?}");
    }
}

#[test]
fn every_svg_can_stand_in_a_page() {
    for plot in Plot::ALL {
        let svg = plot.svg(&varied(100_000)).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{plot:?}");
        assert!(svg.contains("role=\"img\"") && svg.contains(plot.heading()), "{plot:?}");
        assert!(svg.contains("<title>") && svg.contains("mm1-rho80"), "{plot:?}");
        assert!(!svg.contains(" id=") && !svg.contains("<?xml"), "{plot:?}");
        assert!(svg.len() < 200_000, "{plot:?} takes {} bytes", svg.len());
    }
}

#[test]
fn titles_cannot_break_the_markup_or_leave_the_picture() {
    let mut data = varied(50);
    data.title = "a<b>&\"c\"\u{0}\n".repeat(500);
    for plot in Plot::ALL {
        let svg = plot.svg(&data).unwrap();
        assert!(!svg.contains("<b>") && !svg.contains('\u{0}'), "{plot:?}");
        assert!(svg.contains("… · 50 jobs"), "{plot:?}");
    }
}

#[test]
fn unusual_but_valid_data_are_drawn() {
    let mut at_once = steady(20, 0.3);
    at_once.due_s = vec![1.0; 20];
    let mut negative = steady(20, 0.01);
    negative.observed_wait_s = vec![-0.002; 20];
    let few = [steady(1, 0.0), steady(1, 0.02), steady(2, 0.02), steady(300, 0.0), steady(300, 7.0)];
    let huge = steady(3, 9e8);
    for data in few.into_iter().chain([at_once, negative, huge]) {
        for plot in Plot::ALL {
            let svg = plot.svg(&data).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{plot:?} of {data:?}");
        }
    }
}

#[test]
fn no_jobs_are_refused() {
    assert!(matches!(Plot::WaitCdf.svg(&steady(0, 0.0)), Err(PlotError::NoJobs)));
}

#[test]
fn columns_of_different_length_are_refused() {
    let mut data = steady(5, 0.1);
    data.observed_wait_s.pop();
    let error = Plot::Residuals.svg(&data).unwrap_err();
    assert!(matches!(error, PlotError::LengthMismatch { column: "observed_wait_s", expected: 5, found: 4 }));
}

#[test]
fn values_that_are_no_times_are_refused() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let mut data = steady(5, 0.1);
        data.predicted_wait_s[3] = value;
        let error = Plot::QueueLength.svg(&data).unwrap_err();
        assert!(matches!(error, PlotError::NotATime { column: "predicted_wait_s", row: 3, .. }), "{value}");
    }
}

#[test]
fn jobs_out_of_due_order_are_refused() {
    let mut data = steady(5, 0.1);
    data.due_s.swap(1, 2);
    assert!(matches!(Plot::Residuals.svg(&data), Err(PlotError::NotInDueOrder { row: 2 })));
}

#[test]
fn a_picture_that_cannot_be_written_names_its_path() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["missing/plot.png", "plot.jpg"] {
        let error = Plot::WaitCdf.png(&steady(5, 0.1), &folder.path().join(name)).unwrap_err();
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
