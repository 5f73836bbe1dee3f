//! The report as a browser shows it: narrow and wide, dark, and printed. Needs Chromium; `make chromium` installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sim::run_folder::Verdict;
use tempfile::TempDir;

use crate::support::{TERMS, calibration, observed, predicted, records, scenario};

/// A folder with a report of a run, and what a browser needs.
struct Browser {
    folder: TempDir,
}

/// What a script finds in the page, as JSON.
const MEASURE: &str = r#"
const page = document.getElementById("page");
addEventListener("load", () => {
  const view = page.contentWindow, inner = page.contentDocument, root = inner.documentElement;
  const style = view.getComputedStyle(inner.body);
  const texts = [...inner.querySelectorAll("svg.plot text")].filter(text => text.textContent.trim());
  const smallest = Math.min(...texts.map(text => text.getBoundingClientRect().height));
  document.body.textContent = "MEASURED" + JSON.stringify({
    inner: view.innerWidth, scroll: root.scrollWidth, background: style.backgroundColor, color: style.color,
    hidden: [...inner.querySelectorAll("tbody td, tbody th")].filter(cell => {
      const place = cell.getBoundingClientRect();
      return place.left < 0 || place.right > view.innerWidth;
    }).length,
    pictures: inner.querySelectorAll("svg.plot").length, smallest, height: root.scrollHeight,
    verdict: inner.querySelector(".verdict").getBoundingClientRect().bottom,
  }) + "END";
});
"#;

impl Browser {
    /// The report of a run that had everything: a calibration, pictures, tables, and warnings.
    fn with_report() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (runs, scenario) = (folder.path().join("runs"), scenario());
        predicted(&runs, &scenario, Some(&calibration(&scenario, TERMS, 0.01)));
        observed(&runs, &scenario, &records(&scenario, TERMS), Verdict::Invalid);
        let written = Command::new(env!("CARGO_BIN_EXE_analysis"))
            .args(["report", "--runs", runs.to_str().unwrap(), "--out", folder.path().to_str().unwrap()])
            .output()
            .unwrap();
        assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
        Browser { folder }
    }

    fn page(&self) -> PathBuf {
        self.folder.path().join("report.html")
    }

    /// Runs the browser on a file with some flags; its standard output, after a look at its console.
    fn run(&self, flags: &[&str], file: &Path) -> String {
        let profile = tempfile::tempdir().unwrap();
        let output = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--enable-logging=stderr", "--virtual-time-budget=10000"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .args(flags)
            .arg(format!("file://{}", file.display()))
            .output()
            .expect("chromium is needed: `make chromium` installs it");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        assert!(!log.contains(":CONSOLE"), "the page complains: {log}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Measures the page in a frame of some width. The page stands in an attribute of the frame, since a browser lets no
    /// file look into another.
    fn measured(&self, width: u32, flags: &[&str]) -> Value {
        let page = std::fs::read_to_string(self.page()).unwrap();
        let page = page.replace('&', "&amp;").replace('"', "&quot;");
        let wrapper = self.folder.path().join(format!("wrapper-{width}.html"));
        let html = format!(
            "<!doctype html><html style=\"color-scheme: light dark\"><body><iframe id=\"page\" style=\"border: 0; \
             color-scheme: light dark; width: {width}px; height: 800px\" srcdoc=\"{page}\"></iframe><script>{MEASURE}\
             </script></body></html>"
        );
        std::fs::write(&wrapper, html).unwrap();
        let dom = self.run(&[&["--dump-dom"], flags].concat(), &wrapper);
        let (_, rest) =
            dom.split_once("MEASURED").unwrap_or_else(|| panic!("nothing was measured: {dom:.500}"));
        serde_json::from_str(rest.split_once("END").unwrap().0).unwrap()
    }
}

/// Relative luminance of `rgb(r, g, b)`, 0 to 1.
fn luminance(color: &Value) -> f64 {
    let numbers = color.as_str().unwrap().trim_start_matches("rgb(").trim_end_matches(')');
    let linear = |channel: &str| {
        let share = channel.trim().parse::<f64>().unwrap() / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    numbers.split(',').zip([0.2126, 0.7152, 0.0722]).map(|(channel, weight)| weight * linear(channel)).sum()
}

#[test]
fn the_page_fits_a_telephone_and_a_wide_screen() {
    let browser = Browser::with_report();
    for width in [400, 1600] {
        let found = browser.measured(width, &[]);
        assert_eq!(found["inner"], width, "{found}");
        assert!(found["scroll"].as_u64().unwrap() <= u64::from(width), "the page scrolls sideways: {found}");
        assert_eq!(found["pictures"], 7, "{found}");
        assert_eq!(found["hidden"], 0, "cells of tables are beside the screen: {found}");
        assert!(
            found["smallest"].as_f64().unwrap() >= 9.0,
            "the letters of a picture are too small: {found}"
        );
        assert!(
            found["verdict"].as_f64().unwrap() < 800.0,
            "the verdict is not on the first screen: {found}"
        );
        assert!(luminance(&found["background"]) > 0.9 && luminance(&found["color"]) < 0.1, "{found}");
    }
}

#[test]
fn the_page_is_dark_where_a_reader_wants_it_dark() {
    let found = Browser::with_report().measured(1600, &["--force-dark-mode"]);
    let (background, text) = (luminance(&found["background"]), luminance(&found["color"]));
    assert!(background < 0.05 && text > 0.6, "{found}");
    assert!((text + 0.05) / (background + 0.05) > 7.0, "the contrast is enough to read by: {found}");
}

#[test]
fn the_page_is_printed_on_a_few_sheets() {
    let browser = Browser::with_report();
    let file = browser.folder.path().join("report.pdf");
    let to = format!("--print-to-pdf={}", file.display());
    browser.run(&["--no-pdf-header-footer", &to], &browser.page());
    let document = std::fs::read(&file).unwrap();
    assert!(document.starts_with(b"%PDF-"));
    let text = String::from_utf8_lossy(&document);
    let pages = text.matches("/Type /Page").count() - text.matches("/Type /Pages").count();
    assert!((4..=10).contains(&pages), "{pages} pages");
}
