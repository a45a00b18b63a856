/** Upper bounds of the histogram's buckets, in seconds. */
const BUCKETS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60]

interface RouteTimes {
  readonly buckets: number[]
  count: number
  sum: number
}

/** A number that is asked for when the page is. */
export interface Gauge {
  readonly name: string
  readonly help: string
  readonly value: () => number
}

/** Counts requests; `render` gives them in Prometheus' text format, version 0.0.4. */
export class Metrics {
  readonly #requests = new Map<string, number>()
  readonly #times = new Map<string, RouteTimes>()
  readonly #gauges: readonly Gauge[]
  #failedSignIns = 0

  constructor(gauges: readonly Gauge[]) {
    this.#gauges = gauges
  }

  request(route: string, method: string, status: number, seconds: number): void {
    const key = `method="${method}",route="${route}",status="${status}"`
    this.#requests.set(key, (this.#requests.get(key) ?? 0) + 1)
    let times = this.#times.get(route)
    if (times === undefined) {
      times = { buckets: BUCKETS.map(() => 0), count: 0, sum: 0 }
      this.#times.set(route, times)
    }
    times.count++
    times.sum += seconds
    const bucket = BUCKETS.findIndex(bound => seconds <= bound)
    if (bucket >= 0) times.buckets[bucket] = (times.buckets[bucket] ?? 0) + 1
  }

  failedSignIn(): void {
    this.#failedSignIns++
  }

  render(): string {
    return [
      ...head('shale_registry_requests_total', 'counter', 'Requests answered.'),
      ...[...this.#requests].map(([labels, count]) => `shale_registry_requests_total{${labels}} ${count}`),
      ...head('shale_registry_request_seconds', 'histogram', 'Time from a request to the end of its answer.'),
      ...[...this.#times].flatMap(([route, times]) => histogram(route, times)),
      ...head('shale_registry_failed_sign_ins_total', 'counter', 'Wrong user names or passwords.'),
      `shale_registry_failed_sign_ins_total ${this.#failedSignIns}`,
      ...this.#gauges.flatMap(({ name, help, value }) => [...head(name, 'gauge', help), `${name} ${value()}`]),
      '',
    ].join('\n')
  }
}

function head(name: string, type: string, help: string): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
}

function histogram(route: string, { buckets, count, sum }: RouteTimes): readonly string[] {
  const name = 'shale_registry_request_seconds'
  let below = 0
  const lines = BUCKETS.map((bound, index) => {
    below += buckets[index] ?? 0
    return `${name}_bucket{route="${route}",le="${bound}"} ${below}`
  })
  const labels = `{route="${route}"}`
  lines.push(`${name}_bucket{route="${route}",le="+Inf"} ${count}`, `${name}_sum${labels} ${sum}`)
  return [...lines, `${name}_count${labels} ${count}`]
}
