/** What the scenarios build. All stand on `base`, the small root file system that every engine is given first. */
export const DOCKERFILES = {
  copy: 'FROM base\nCOPY . /app\n',
  nothing: 'FROM base\nARG N\nLABEL n=$N\n',
  step: 'FROM base\nARG N\nLABEL n=$N\nRUN true\n',
  /** As examples/orders-api, with the shell's own means in the place of Maven: four RUNs that need no network. */
  project: `# Build stage
FROM base AS build
WORKDIR /app

# Dependencies
COPY pom.xml .
RUN mkdir -p /root/.m2/repository && i=0; while [ $i -lt 100 ]; do cp pom.xml /root/.m2/repository/$i.pom; i=$((i+1)); done

# Source and build
COPY src ./src
RUN mkdir target && find src /root/.m2/repository -type f | sort | xargs cat > target/app.jar

# Runtime stage
FROM base

# Create non-root user
RUN addgroup -S app && adduser -S app -G app

WORKDIR /app
COPY --from=build /app/target/app.jar app.jar
RUN test -s app.jar && mkdir /data && chown app:app /data

USER app
EXPOSE 8080
CMD ["head", "-1", "app.jar"]
`,
} as const

export type DockerfileName = keyof typeof DOCKERFILES
