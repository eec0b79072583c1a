# n8n with the package n8n-nodes-aurareels, built from the clone. n8n's image is Alpine, so the module is built on Alpine too.
ARG N8N_VERSION=latest
FROM rust:1-alpine AS build
RUN apk add --no-cache build-base nodejs npm
WORKDIR /aurareels
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/aurareels/target \
    RUSTFLAGS="-C target-feature=-crt-static" cargo xtask addon \
    && cd n8n-node && npm ci --ignore-scripts && npm run build && npm pack --pack-destination /tmp

FROM n8nio/n8n:${N8N_VERSION}
COPY --from=build /tmp/n8n-nodes-aurareels-*.tgz /tmp/
# Where n8n looks for packages that its own installer has installed; the volume begins with what is here.
RUN mkdir -p /home/node/.n8n/nodes && cd /home/node/.n8n/nodes \
    && npm install --ignore-scripts --omit=peer --no-audit --no-fund /tmp/n8n-nodes-aurareels-*.tgz
