-- One submission, for wrk: the usual envelope, no demand.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"source":"wrk","timestamp":"2026-01-31T12:00:00Z","data":{"sensor_id":"A-123","temperature":25.5}}'

-- Refusals are answers, too: they must not count as throughput.
done = function(summary, latency, requests)
  io.write(string.format('{"requests":%d,"duration_us":%d,"refused":%d,"broken":%d,"p99_us":%d}\n',
    summary.requests, summary.duration, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(99)))
end
