# Two commands: `make demo` shows the textbook fail and the calibrated model hold; `make test` checks everything.

SCENARIO   ?= data/scenarios/mm1-rho80.toml
QUEUE_TYPE ?= classic
BROKER     ?= auto
PROFILE    ?= release
CALIBRATION = data/calibrations/$(if $(filter embedded,$(BROKER)),in-process,$(QUEUE_TYPE))-$(basename $(notdir $(SCENARIO))).toml

.PHONY: demo test lint notebooks rabbitmq slurm postgresql prometheus chromium figures bench bench-live bench-driver evidence control planning experiment crosscheck containers verify coverage size fuzz help

help:
	@echo 'make demo    calibrate, predict, drive, compare on this machine (about a minute after the build)'
	@echo '             QUEUE_TYPE=quorum, SCENARIO=data/scenarios/mm1-rho80-prefetch2.toml, BROKER=embedded'
	@echo 'make test    every test, with a private RabbitMQ, PostgreSQL, Prometheus, Slurm and a browser'
	@echo 'make lint    formatting, clippy, documentation'
	@echo 'make notebooks  every cell of every notebook, from clean (UPDATE=1 keeps the outputs; the first time it builds a kernel)'
	@echo 'make figures the pictures of the documentation'
	@echo 'make bench   jobs per second of the simulation engines (docs/performance.md)'
	@echo 'make bench-live  the ingestion pipeline beside FastAPI + aio-pika + pika (half an hour; docs/performance.md)'
	@echo 'make bench-driver  how punctual driver and servers are, and what the API costs (a quarter of an hour)'
	@echo 'make evidence    predictions made before each run beside what was observed (three quarters of an hour; goes on where it was)'
	@echo 'make control     a slow consumer and a burst of failures, and how soon the control charts see them (a quarter of an hour)'
	@echo 'make planning    the fewest consumers for a target, driven, and one fewer (five minutes)'
	@echo 'make experiment  a 12 % faster service, found with the jobs that the plan asks for (four minutes)'
	@echo 'make crosscheck  the same API measured by oha and wrk, and RabbitMQ asked for its own figures'
	@echo 'make containers  Dockerfile and compose.yaml, as far as they can be checked without a container engine'
	@echo 'make verify  does the simulation keep its word on this machine? (half a minute)'
	@echo 'make size    sizes, powers and coverages of every test and interval of `analysis`, printed and asserted (some minutes)'
	@echo 'make fuzz    schemathesis against a running API (URL=..., TOKEN=...)'
	@echo 'make coverage  the same with twice the seeds: the table of docs/methodology.md'

demo:
	@deploy/install-rabbitmq.sh
	cargo build --workspace --profile $(PROFILE) --locked
	@PROFILE=$(PROFILE) deploy/demo.sh $(SCENARIO) $(CALIBRATION) --broker $(BROKER) --queue-type $(QUEUE_TYPE)

test: rabbitmq slurm postgresql prometheus chromium
	cargo test --workspace --locked

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked

# Executed from clean into target/notebooks; fails on a cell that does, and on outputs that are not those committed.
notebooks:
	@deploy/install-notebooks.sh --required
	@$(or $(CARGO_TARGET_DIR),target)/tools/notebooks/bin/python notebooks/execute.py $(if $(UPDATE),--update)

rabbitmq:
	@deploy/install-rabbitmq.sh --required

slurm:
	@deploy/install-slurm.sh --required

postgresql:
	@deploy/install-postgresql.sh --required

prometheus:
	@deploy/install-prometheus.sh --required

chromium:
	@deploy/install-chromium.sh --required

# Pictures of the documentation, from the published runs and a sweep.
figures:
	cargo build --release --locked
	target/release/analysis plot wait-cdf --runs data/published --out docs/images/wait-cdf.png
	target/release/sim sweep data/scenarios/mm1-rho80.toml --set arrivals.rate=80:190:10 --set queue.servers=1,2,4 \
		--out data/sweeps/rate.csv --fresh --plot docs/images/sweep.png

# The table of docs/performance.md: compare within one run.
bench:
	cargo bench -p sim --bench engines --locked

# Tables for docs/performance.md and docs/methodology.md, on a machine that does nothing else meanwhile.
bench-live bench-driver evidence control planning experiment crosscheck:
	cargo build --release --locked
	@deploy/measure.sh $@

# --build compiles in the rehearsal of the Dockerfile, too.
containers:
	cargo build --release --locked
	@deploy/check-containers.sh

verify:
	cargo run --release --locked -p sim -- verify

# The table of docs/methodology.md.
coverage:
	cargo run --release --locked -p sim -- verify --seeds 2000

# The tables of docs/methodology.md.
size:
	cargo test --release --locked -p analysis --lib verification -- --include-ignored --nocapture --test-threads 1

# Against an API that is running and otherwise unused: make fuzz URL=http://127.0.0.1:8080 TOKEN=...
fuzz:
	@deploy/fuzz-api.sh $(or $(URL),http://127.0.0.1:8080) "$(TOKEN)"
