# The core, the command line and the simulator: one binary. Built from the clone: `docker compose build`.
FROM rust:1-bookworm AS build
WORKDIR /aurareels
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/aurareels/target \
    cargo build --release --locked --bin aurareels && cp target/release/aurareels /usr/local/bin/aurareels

FROM debian:bookworm-slim
RUN useradd --system --create-home --home-dir /var/lib/aurareels aurareels
COPY --from=build /usr/local/bin/aurareels /usr/local/bin/aurareels
USER aurareels
WORKDIR /var/lib/aurareels
VOLUME /var/lib/aurareels
EXPOSE 50051
# Stopping takes ten seconds at most.
STOPSIGNAL SIGTERM
ENTRYPOINT ["aurareels"]
CMD ["serve"]
