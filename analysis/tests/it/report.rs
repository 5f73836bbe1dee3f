//! Reports of runs whose truth is known: what is in them, and what must not be.

use std::path::Path;

use analysis::compare::{Comparison, compare};
use analysis::pair::Pair;
use analysis::report;
use sim::model::{JobRecord, Scenario};
use sim::run_folder::Verdict;

use crate::support::{TERMS, calibration, observed, predicted, records, scenario};

/// The page, the Markdown and the names of the pictures of a run with the given records.
struct Report {
    page: String,
    markdown: String,
    pictures: Vec<String>,
    table: String,
    comparison: Comparison,
}

impl Report {
    fn of(scenario: &Scenario, records: &[JobRecord], seed: u64, verdict: Verdict) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let other = scenario.clone().with_seed(seed);
        let sim = predicted(folder.path(), &other, Some(&calibration(scenario, TERMS, 0.01)));
        let live = observed(folder.path(), scenario, records, verdict);
        Self::written(folder.path(), &Pair::open(&sim, &live).unwrap())
    }

    fn written(folder: &Path, pair: &Pair) -> Self {
        let comparison = compare(pair);
        let out = folder.join("report");
        let paths = report::write(&out, pair, &comparison, &["analysis".into(), "report".into()]).unwrap();
        assert_eq!(paths, ["report.html", "report.md", "plots"].map(|name| out.join(name)));
        let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
        let files = std::fs::read_dir(out.join("plots")).unwrap();
        let mut pictures: Vec<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        pictures.sort();
        let table = report::table(pair, &comparison);
        Report { page: read("report.html"), markdown: read("report.md"), pictures, table, comparison }
    }

    fn steady() -> Self {
        Self::of(&scenario(), &records(&scenario(), TERMS), scenario().run().seed(), Verdict::Valid)
    }
}

/// As many jobs as the consumers can do, and a fifth more.
fn overloaded() -> Report {
    let scenario = scenario().with_rate(240.0);
    Report::of(&scenario, &records(&scenario, TERMS), scenario.run().seed(), Verdict::Valid)
}

fn in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part);
        from += at.unwrap_or_else(|| panic!("`{part}` is missing, or in the wrong place"));
    }
}

#[test]
fn the_verdict_comes_first_and_the_provenance_last() {
    let Report { page, markdown, table, comparison, .. } = Report::steady();
    let says = comparison.says.as_str();
    let verdict = format!("<strong class=\"badge {0}\">{0}</strong>", comparison.verdict);
    in_order(
        &page,
        &[
            "<h1>",
            &verdict,
            says,
            "<h2>Predicted and observed",
            "<h2>Why",
            "<h2>How long jobs waited",
            "<h2>Over the run",
            "<h2>Arrivals and services",
            "<h2>How far apart",
            "<h2>Overheads",
            "<h2>Load and ledger",
            "<h2>Validity",
            "<h2>Where this comes from",
            "live 0.",
        ],
    );
    in_order(
        &markdown,
        &["# mm1-rho80", "## Predicted and observed", "## Why", "## Overheads", "## Pictures", "## Where"],
    );
    assert!(table.starts_with(&comparison.verdict.to_string().to_uppercase()), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 100), "{table}");
}

#[test]
fn a_page_is_self_contained_and_its_pictures_are_files_too() {
    let Report { page, markdown, pictures, .. } = Report::steady();
    assert_eq!(page.matches("<svg").count(), 7);
    for outside in ["src=", "href=", "@import", "url(", "<script"] {
        assert!(!page.contains(outside), "the page is self-contained, and has {outside}");
    }
    assert_eq!(pictures.len(), 14);
    for picture in pictures.iter().filter(|picture| picture.ends_with(".png")) {
        assert!(markdown.contains(&format!("](plots/{picture})")), "{picture}");
        assert!(pictures.contains(&picture.replace(".png", ".svg")), "{picture}");
    }
}

#[test]
fn a_page_can_be_read_aloud() {
    let Report { page, .. } = Report::steady();
    assert!(page.contains("<html lang=\"en\">") && page.matches("<h1>").count() == 1);
    assert!(!page.contains("<h3>"), "no level of headings is left out");
    assert_eq!(page.matches("<table ").count(), page.matches("<caption>").count());
    assert!(!page.contains("<th>"), "every header says what it is a header of");
    assert_eq!(page.matches("<svg").count(), page.matches("<desc>").count());
}

#[test]
fn an_overloaded_run_shows_no_wait_as_that_of_a_steady_state() {
    let Report { page, markdown, pictures, table, comparison } = overloaded();
    assert!(comparison.metrics.is_none() && comparison.overload.is_some());
    for text in [&page, &markdown] {
        assert!(text.contains("overloaded") && text.contains("sustainable rate"));
        for wait in ["mean wait</th>", "| mean wait", "p99 wait", "How long jobs wait"] {
            assert!(!text.contains(wait), "{wait}");
        }
    }
    assert!(table.contains("final backlog") && !table.contains("mean wait"), "{table}");
    assert!(pictures.contains(&"queue-length.png".to_owned()));
    assert!(!pictures.iter().any(|picture| picture.starts_with("wait-cdf")), "{pictures:?}");
}

#[test]
fn runs_with_jobs_of_their_own_are_judged_by_what_chance_explains() {
    let scenario = scenario();
    let report = Report::of(&scenario, &records(&scenario, TERMS), 99, Verdict::Valid);
    assert!(!report.comparison.shares_jobs);
    assert!(report.page.contains("What chance explains") && report.markdown.contains("by chance"));
    assert!(!report.pictures.contains(&"errors.png".to_owned()), "no error is that of one job");
    assert!(report.pictures.contains(&"quantile-quantile.svg".to_owned()));
}

#[test]
fn what_a_run_says_of_itself_cannot_break_page_or_markdown() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario();
    let sim = predicted(folder.path(), &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
    let live = observed(folder.path(), &scenario, &records(&scenario, TERMS), Verdict::Invalid);
    let manifest = live.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.replace("the driver was starved", "<script>alert(1)</script> a|b `c`"))
        .unwrap();
    let Report { page, markdown, .. } = Report::written(folder.path(), &Pair::open(&sim, &live).unwrap());
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt; a|b") && !page.contains("<script>"));
    assert!(
        markdown.contains("&lt;script&gt;alert(1)&lt;/script&gt; a\\|b \\`c\\`")
            && !markdown.contains("<script>")
    );
}
