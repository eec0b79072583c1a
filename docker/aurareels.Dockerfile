# The core, the command line and the simulator: one static binary and nothing else. Built from the clone: `docker compose build`.
# A release puts binaries that are there already into the same image:
#   docker buildx build --build-context build=dist -f docker/aurareels.Dockerfile .      (dist/amd64/aurareels, dist/arm64/aurareels)
FROM rust:1-alpine AS build
ARG TARGETARCH
RUN apk add --no-cache musl-dev
WORKDIR /aurareels
COPY . .
# Alpine's own target is musl, linked statically.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/aurareels/target \
    cargo build --profile dist --locked --bin aurareels && install -D target/dist/aurareels "/$TARGETARCH/aurareels"

# A directory to own: there is no shell to make one in the last stage.
FROM busybox:stable-musl AS directory
RUN install -d -m 700 -o 65532 -g 65532 /var/lib/aurareels

FROM scratch
ARG TARGETARCH
LABEL org.opencontainers.image.title="AuraReels" \
      org.opencontainers.image.description="Publishes and schedules short videos: one request, one post" \
      org.opencontainers.image.licenses="MIT"
COPY --from=directory --chown=65532:65532 /var/lib/aurareels /var/lib/aurareels
COPY --from=build /${TARGETARCH}/aurareels /usr/local/bin/aurareels
ENV PATH=/usr/local/bin
# Nobody: no user of the host has this number.
USER 65532:65532
WORKDIR /var/lib/aurareels
ENV AURAREELS_DATA_DIR=/var/lib/aurareels \
    AURAREELS_LISTEN=0.0.0.0:50051
VOLUME /var/lib/aurareels
EXPOSE 50051
# Stopping takes ten seconds at most.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=4 CMD ["aurareels", "healthcheck"]
ENTRYPOINT ["aurareels"]
CMD ["serve"]
