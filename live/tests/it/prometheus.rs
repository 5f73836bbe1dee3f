//! A real Prometheus scrapes a run.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{free_port, get, live, request, scenario_text, wait_for_http};

/// A private Prometheus that scrapes one target every second; it ends with the test.
struct Prometheus {
    server: Child,
    port: u16,
    _data: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(target: u16) -> Self {
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("prometheus.yml");
        let text = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\nscrape_configs:\n  - job_name: lindley\n    \
             static_configs: [{{ targets: ['127.0.0.1:{target}'] }}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        let server = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.path().join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs Prometheus: run deploy/install-prometheus.sh");
        wait_for_http(port, "/-/ready");
        Prometheus { server, port, _data: data }
    }

    /// The value of an instant query, if it has exactly one.
    fn value(&self, query: &str) -> Option<f64> {
        let (_, body) = get(self.port, &format!("/api/v1/query?query={query}"))?;
        let answer: serde_json::Value = serde_json::from_str(&body).ok()?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    fn until(&self, query: &str, holds: impl Fn(f64) -> bool) -> f64 {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match self.value(query) {
                Some(value) if holds(value) => return value,
                value => assert!(Instant::now() < deadline, "{query} is {value:?}"),
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn prometheus_sees_a_run_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("short.toml"), scenario_text(4000, 2)).unwrap();
    let port = free_port();
    let bind = format!("127.0.0.1:{port}");
    let arguments = ["run", "short.toml", "--broker", "embedded", "--bind", &bind];
    let mut run =
        live(folder.path(), &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for_http(port, "/livez");
    let prometheus = Prometheus::scraping(port);
    prometheus.until("up", |up| up == 1.0);
    prometheus.until("lindley_messages_consumed_total", |jobs| jobs >= 300.0);
    // 200 jobs/s of 2 ms each on one server.
    let rate = prometheus.until("rate(lindley_messages_consumed_total[5s])", |rate| rate > 100.0);
    assert!(rate < 300.0, "{rate}");
    let service = "lindley_job_service_seconds_sum/lindley_job_service_seconds_count";
    let mean_s = prometheus.until(service, f64::is_finite);
    assert!((0.0015..0.004).contains(&mean_s), "{mean_s}");
    for (query, least, most) in [
        ("lindley_predicted_wait_seconds{statistic=\"mean\"}", 1e-4, 0.01),
        ("lindley_job_wait_seconds_sum/lindley_job_wait_seconds_count", 1e-4, 1.0),
        ("histogram_quantile(0.99,sum(lindley_publish_confirm_duration_seconds_bucket)by(le))", 0.0, 1.0),
        ("sum(lindley_http_request_duration_seconds_count{route=\"/ingest\",status=\"202\"})", 300.0, 5000.0),
        ("lindley_broker_up", 1.0, 1.0),
        ("lindley_queue_depth", 0.0, 1000.0),
        ("sum(lindley_dead_letters_total)or(vector(0))", 0.0, 0.0),
    ] {
        let value =
            prometheus.until(&query.replace('{', "%7B").replace('}', "%7D").replace('"', "%22"), |_| true);
        assert!((least..=most).contains(&value), "{query} is {value}");
    }
    let (_, metadata) = request(prometheus.port, "GET /api/v1/metadata HTTP/1.0\r\n", "").unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    for (name, entries) in metadata["data"].as_object().unwrap() {
        assert!(entries[0]["help"].as_str().is_some_and(|help| help.len() > 5), "{name} has no help");
        if name.starts_with("lindley_") && name.ends_with("_seconds") {
            assert_eq!(entries[0]["unit"], "seconds", "{name}");
        }
    }
    run.kill().unwrap();
    run.wait().unwrap();
}
