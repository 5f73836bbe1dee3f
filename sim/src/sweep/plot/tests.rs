use super::*;
use crate::plot::{save, svg};

fn plot(lines: &[&[(f64, Option<f64>)]]) -> SweepPlot {
    let value = |estimate: Option<f64>| Value {
        estimate,
        low: estimate.map(|e| e * 0.9),
        high: estimate.map(|e| e * 1.1),
        theory: estimate,
        unstable: estimate.is_none(),
        needed_jobs: None,
    };
    let line = |(n, points): (usize, &&[(f64, Option<f64>)])| {
        (n.to_string(), points.iter().map(|(x, y)| (*x, value(*y))).collect())
    };
    SweepPlot {
        heading: "Mean wait against a".into(),
        what: "what".into(),
        effort: "effort".into(),
        x_title: "a".into(),
        y_title: "mean wait (ms)".into(),
        legend: "b".into(),
        lines: lines.iter().enumerate().map(line).collect(),
    }
}

#[test]
fn a_range_beyond_a_factor_of_thirty_has_a_logarithmic_axis() {
    for (most, logarithmic) in [(26.0, false), (31.0, true), (1e9, true)] {
        let (axis, is) = plot(&[&[(1.0, Some(1.0)), (2.0, Some(most))]]).y_axis();
        assert_eq!(is, logarithmic, "{most}");
        assert!(axis.share(1.0) >= 0.0 && axis.share(most * 1.1) <= 1.0);
    }
    // A logarithm of nothing is nowhere.
    assert!(!plot(&[&[(1.0, Some(0.0)), (2.0, Some(90.0))]]).y_axis().1);
}

#[test]
fn values_that_multiply_go_along_a_logarithmic_axis_and_even_steps_do_not() {
    let middle = |values: [f64; 3]| {
        let points = values.map(|x| (x, Some(1.0)));
        plot(&[&points]).x_axis().share(values[1])
    };
    assert!((middle([1.0, 10.0, 100.0]) - 0.5).abs() < 1e-9);
    assert!((middle([1.0, 50.5, 100.0]) - 0.5).abs() < 1e-9);
}

#[test]
fn a_line_is_interrupted_where_there_is_no_value() {
    let plot = plot(&[&[(1.0, Some(1.0)), (2.0, None), (3.0, Some(1.0)), (4.0, Some(2.0))]]);
    let lengths: Vec<usize> = runs(&plot.lines[0].1, |value| value.estimate).iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 2]);
}

#[test]
fn crosses_stand_above_all_data() {
    let points = [(1.0, Some(1.0)), (2.0, Some(9.0)), (3.0, None)];
    for lines in [1, 8] {
        let plot = plot(&vec![&points[..]; lines]);
        let (axis, _) = plot.y_axis();
        let room = (1.0 - axis.share(9.0 * 1.1)) * 600.0;
        assert!(room >= STRIP * lines as f64 * 0.99, "{lines} rows have {room}");
    }
}

#[test]
fn every_figure_is_drawn_in_both_formats() {
    let folder = tempfile::tempdir().unwrap();
    let points = [(1.0, Some(1.0)), (2.0, None), (3.0, Some(4.0))];
    let alone = [(0.0, Some(0.0)), (1e-9, None)];
    for (n, lines) in [vec![&points[..]], vec![&points[..]; 8], vec![&alone[..]]].into_iter().enumerate() {
        let markup = svg(&plot(&lines)).unwrap();
        assert!(markup.contains("95 % interval") && markup.contains("grows without end"));
        assert!(!markup.contains("NaN") && !markup.contains("inf"));
        save(&plot(&lines), &folder.path().join(format!("{n}.png"))).unwrap();
    }
    let error = save(&plot(&[&points]), &folder.path().join("plot.jpg")).unwrap_err();
    assert!(error.to_string().contains(".png or .svg"), "{error}");
}
