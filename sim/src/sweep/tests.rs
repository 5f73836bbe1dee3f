use std::path::Path;

use super::*;
use crate::scenario_file;

fn sweep(file: &Path, settings: &[&str]) -> Result<Sweep, SweepError> {
    let factors = settings.iter().map(|setting| setting.parse()).collect::<Result<Vec<Factor>, _>>()?;
    Sweep::plan(file, &Grid::new(factors)?)
}

#[test]
fn setting_what_is_there_already_changes_no_scenario() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/scenarios");
    let mut files = 0;
    for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_some_and(|extension| extension == "toml") {
            let sweep = sweep(&file, &["schema=1"]).unwrap();
            let original = scenario_file::hash(&scenario_file::load(&file).unwrap());
            assert_eq!(sweep.cells()[0].sha256, original, "{}", file.display());
            files += 1;
        }
    }
    assert!(files > 40);
}

#[test]
fn a_cell_that_is_no_scenario_is_refused_before_anything_is_simulated() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("base.toml");
    std::fs::write(&file, scenario_file::DEFAULT).unwrap();
    let error = sweep(&file, &["arrivals.rate=80,90", "queue.servers=1,0"]).unwrap_err().to_string();
    for part in
        ["cell 1 of 4", "arrivals.rate = 80, queue.servers = 0", "`queue.servers` is 0", "rule", "remedy"]
    {
        assert!(error.contains(part), "{part}: {error}");
    }
    let error = sweep(&file, &["arrivals.rat=80"]).unwrap_err().to_string();
    assert!(error.contains("`arrivals.rat` is unknown") && error.contains("did you mean `rate`"), "{error}");
    let error = sweep(&file, &["class[1].priority=2"]).unwrap_err().to_string();
    assert!(error.contains("class[1].priority=2") && error.contains("no list `class`"), "{error}");
}

#[test]
fn only_a_queue_that_grows_without_end_is_unstable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("base.toml");
    let base = scenario_file::DEFAULT.replace("prefetch   = 1", "");
    assert!(!base.contains("prefetch"));
    std::fs::write(&file, base).unwrap();
    for (setting, unstable) in [
        ("arrivals.rate=199", false),
        ("arrivals.rate=200", true),
        ("arrivals.rate=300", true),
        ("queue.retry={probability=0.5,max_attempts=9}", true),
    ] {
        assert_eq!(sweep(&file, &[setting]).unwrap().cells()[0].is_unstable(), unstable, "{setting}");
    }
    let bounded = sweep(&file, &["arrivals.rate=300", "queue.capacity=5"]).unwrap();
    assert!(!bounded.cells()[0].is_unstable());
}
