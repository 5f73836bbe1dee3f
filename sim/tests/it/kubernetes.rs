//! The manifests in `deploy/kubernetes`, as far as they can be checked without a cluster.

use std::path::Path;

use clap::Parser;
use serde_json::Value;
use sim::shard::Shard;

/// The objects of a manifest.
fn manifest(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes").join(name);
    serde_saphyr::from_multiple(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

fn pod(objects: &[Value]) -> &Value {
    &of_kind(objects, "Job")["spec"]["template"]["spec"]
}

fn container(objects: &[Value]) -> &Value {
    &pod(objects)["containers"][0]
}

/// What the container runs.
fn command_line(objects: &[Value]) -> Vec<String> {
    let words = |key: &str| container(objects)[key].as_array().unwrap().clone();
    let both = [words("command"), words("args")].concat();
    both.iter().map(|word| word.as_str().expect("a word, not a number").to_owned()).collect()
}

/// What follows a flag.
fn after<'a>(command: &'a [String], flag: &str) -> &'a str {
    &command[command.iter().position(|word| word == flag).unwrap() + 1]
}

/// The shards that the pods of the job take for theirs.
fn shards(objects: &[Value]) -> Vec<Shard> {
    let completions = of_kind(objects, "Job")["spec"]["completions"].as_u64().unwrap();
    let variables = container(objects)["env"].as_array().unwrap();
    let shard = |index: u64| {
        let found = Shard::from_environment(|name| match name {
            "JOB_COMPLETION_INDEX" => Some(index.to_string()),
            _ => {
                let variable = variables.iter().find(|variable| variable["name"] == name)?;
                Some(variable["value"].as_str().expect("Kubernetes takes nothing but text").to_owned())
            }
        });
        found.unwrap().unwrap().0
    };
    (0..completions).map(shard).collect()
}

#[test]
fn the_pods_of_the_sweep_are_all_shards_of_the_whole() {
    let objects = manifest("sweep-job.yaml");
    assert_eq!(of_kind(&objects, "Job")["spec"]["completionMode"], "Indexed");
    let shards = shards(&objects);
    assert!(shards.iter().all(|shard| u64::from(shard.count()) == shards.len() as u64), "{shards:?}");
}

#[test]
fn the_merge_takes_every_part_of_the_sweep() {
    let (sweep, merge) = (manifest("sweep-job.yaml"), manifest("merge-job.yaml"));
    let (sweep_command, merge_command) = (command_line(&sweep), command_line(&merge));
    let out = after(&sweep_command, "--out");
    let parts = shards(&sweep).into_iter().map(|shard| shard.file(Path::new(out)).display().to_string());
    let mut expected = vec!["sim".to_owned(), "merge".to_owned()];
    expected.extend(parts);
    expected.extend(["--out".to_owned(), out.to_owned()]);
    assert_eq!(merge_command, expected);
    assert_eq!(pod(&sweep)["volumes"][1], pod(&merge)["volumes"][0], "both see the same results");
    assert_eq!(container(&sweep)["image"], container(&merge)["image"]);
}

#[test]
fn every_path_of_the_sweep_is_in_a_volume() {
    let objects = manifest("sweep-job.yaml");
    let command = command_line(&objects);
    let names: Vec<&Value> =
        pod(&objects)["volumes"].as_array().unwrap().iter().map(|volume| &volume["name"]).collect();
    for path in command.iter().filter(|word| word.starts_with('/')) {
        let mounts = container(&objects)["volumeMounts"].as_array().unwrap();
        let mount =
            mounts.iter().find(|mount| Path::new(path).starts_with(mount["mountPath"].as_str().unwrap()));
        assert!(names.contains(&&mount.unwrap_or_else(|| panic!("{path} is in no volume"))["name"]));
    }
    let claim = of_kind(&objects, "PersistentVolumeClaim");
    assert_eq!(pod(&objects)["volumes"][1]["persistentVolumeClaim"]["claimName"], claim["metadata"]["name"]);
    assert_eq!(claim["spec"]["accessModes"][0], "ReadWriteMany");
}

#[test]
fn the_scenario_of_the_sweep_is_valid() {
    let objects = manifest("sweep-job.yaml");
    let map = of_kind(&objects, "ConfigMap");
    assert_eq!(pod(&objects)["volumes"][0]["configMap"]["name"], map["metadata"]["name"]);
    let command = command_line(&objects);
    let file = Path::new(&command[2]).file_name().unwrap().to_str().unwrap();
    let text = map["data"][file].as_str().expect("the file that the command names");
    let scenario = sim::scenario_file::parse(text, file).unwrap();
    assert_eq!(scenario.utilization(), 0.8);
}

#[test]
fn the_command_lines_of_the_manifests_are_understood() {
    for name in ["sweep-job.yaml", "merge-job.yaml"] {
        let command = command_line(&manifest(name));
        if let Err(error) = sim::cli::Cli::try_parse_from(&command) {
            panic!("{name}: {command:?}: {error}");
        }
    }
}
