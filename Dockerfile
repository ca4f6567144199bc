# The service and the command `coupon`, as `npm pack` makes them, with the packages of production that the lock
# file names. No install script runs, here or where the image is used; no dev dependency is in it.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN npm pack && mkdir /packed && tar -xzf coupon-issuer-*.tgz -C /packed --strip-components=1

FROM node:24-bookworm-slim AS packages
WORKDIR /packages
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="coupon-issuer" \
  org.opencontainers.image.description="First-come-first-served coupons: never one more, none lost, none twice, none early" \
  org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
# The health pages have a port of their own in every role, so that one check fits all.
ENV NODE_ENV=production HOST=0.0.0.0 HEALTH_PORT=8090
COPY --from=packages /packages/node_modules node_modules
COPY --from=build /packed ./
# The user `node` of the image, by number: Kubernetes cannot tell from a name that it is not root.
USER 1000:1000
STOPSIGNAL SIGTERM
EXPOSE 8080 8081 8090 9080
# Fails while the process starts and while it drains: /readyz is 503 then.
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=2 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8090/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--enable-source-maps", "dist/server/main.js"]
