# The three programs in a small image: `docker build -t lindley .`; `docker-compose up --build` for the whole pipeline.

# The compiler that the project is developed with; the oldest that compiles it is `rust-version` in Cargo.toml. Both
# stages are of one Debian release, so that the programs find the C library that they were linked against.
FROM rust:1.95-bookworm AS build
WORKDIR /build

# The dependencies are compiled in a layer of their own, from the manifests and empty crates: it is made anew when
# a manifest changes, not with every line of source. The empty crates' products are then removed, since cargo goes by
# modification times and might take them for the real ones.
COPY Cargo.toml Cargo.lock ./
COPY sim/Cargo.toml sim/
COPY live/Cargo.toml live/
COPY analysis/Cargo.toml analysis/
RUN mkdir -p sim/src sim/benches live/src analysis/src \
    && touch sim/src/lib.rs live/src/lib.rs analysis/src/lib.rs sim/benches/engines.rs \
    && for crate in sim live analysis; do echo 'fn main() {}' > $crate/src/main.rs; done \
    && cargo build --release --locked --bins \
    && cargo clean --release --locked -p sim -p live -p analysis

# The scenarios belong to the sources: the default one is compiled in.
COPY data/scenarios data/scenarios
COPY sim sim
COPY live live
COPY analysis analysis
RUN cargo build --release --locked --bins

FROM debian:bookworm-slim
COPY --from=build /build/target/release/live /build/target/release/sim /build/target/release/analysis /usr/local/bin/
COPY deploy/container/answers /usr/local/bin/
# What a program writes by default (run folders, the embedded store) goes below `data`, where a volume may be mounted;
# everything else may be read-only.
RUN install -d -o 10001 -g 10001 /lindley/data
WORKDIR /lindley
COPY data/scenarios data/scenarios
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
# A server stops accepting, finishes what it holds, and exits with 0.
STOPSIGNAL SIGTERM
ENTRYPOINT ["live"]
CMD ["--help"]
