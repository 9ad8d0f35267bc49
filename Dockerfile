# Builds a static tokenward and puts it, with certificate authorities and nothing
# else, into an image that runs as nobody. Its version is the commit that it is built
# from, or what --build-arg VERSION says. git over file:// needs a git binary, which
# this image does not have: use https or ssh.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY analysis/render/internal analysis/render/internal
RUN go mod download
COPY . .
ARG VERSION
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.buildVersion=${VERSION}" -o /tokenward ./cmd/tokenward

# A CI job needs a shell: docker build --target ci .
FROM debian:bookworm-slim AS ci
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /tokenward /tokenward
USER 65534:65534

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /tokenward /tokenward
USER 65534:65534
ENTRYPOINT ["/tokenward"]
