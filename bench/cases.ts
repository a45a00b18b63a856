import type { EngineName } from './engines/engine.ts'

/** What a result has to reach: a ratio to Docker Engine, or a bound of its own. */
export type Target =
  | { readonly kind: 'faster'; readonly times: number }
  | { readonly kind: 'at-most'; readonly value: number; readonly unit: 's' | 'MB' }
  | { readonly kind: 'exponent'; readonly value: number }

export type CacheState = 'warm' | 'cold'

/** What is measured one after the other in one go, on one store: scenarios.ts has what each does. */
export type ScenarioName =
  | 'tree'
  | 'gzip'
  | 'large'
  | 'project'
  | 'step'
  | 'run'
  | 'startup'
  | 'load'
  | 'memory'
  | 'huge'
  | 'growth'

export interface Case {
  readonly name: string
  readonly title: string
  readonly scenario: ScenarioName
  readonly target: Target
  /** Page cache states that it is measured in; the target is for the first. */
  readonly caches: readonly CacheState[]
  readonly engines: readonly EngineName[]
}

const ALL: readonly EngineName[] = ['shale', 'docker', 'buildah']
const OURS: readonly EngineName[] = ['shale']
const BOTH: readonly CacheState[] = ['warm', 'cold']
const WARM: readonly CacheState[] = ['warm']
const faster = (times: number): Target => ({ kind: 'faster', times })
const seconds = (value: number): Target => ({ kind: 'at-most', value, unit: 's' })
const megabytes = (value: number): Target => ({ kind: 'at-most', value, unit: 'MB' })

/** The rows of the table. Those of one scenario stand together, in the order in which it measures them. */
export const CASES: readonly Case[] = [
  {
    name: 'first',
    title: 'first build, 80,000 files, zstd',
    scenario: 'tree',
    target: faster(8),
    caches: BOTH,
    engines: ALL,
  },
  {
    name: 'unchanged',
    title: 'nothing changed, 80,000 files',
    scenario: 'tree',
    target: faster(5),
    caches: BOTH,
    engines: ALL,
  },
  {
    name: 'one-changed',
    title: 'one file changed, 80,000 files',
    scenario: 'tree',
    target: faster(10),
    caches: BOTH,
    engines: ALL,
  },
  {
    name: 'gzip',
    title: 'first build, 80,000 files, gzip, and push',
    scenario: 'gzip',
    target: faster(4),
    caches: WARM,
    engines: ALL,
  },
  {
    name: 'large',
    title: 'first build, 50 files of 40 MB',
    scenario: 'large',
    target: faster(3),
    caches: BOTH,
    engines: ALL,
  },
  {
    name: 'project',
    title: 'small multi-stage project, first build',
    scenario: 'project',
    target: faster(1.2),
    caches: WARM,
    engines: ALL,
  },
  {
    name: 'project-unchanged',
    title: 'the same, nothing changed',
    scenario: 'project',
    target: faster(2.5),
    caches: WARM,
    engines: ALL,
  },
  {
    name: 'step',
    title: 'what a trivial RUN step adds',
    scenario: 'step',
    target: seconds(0.07),
    caches: WARM,
    engines: ALL,
  },
  {
    name: 'run',
    title: 'run --rm IMAGE true',
    scenario: 'run',
    target: faster(2),
    caches: WARM,
    engines: ['shale', 'docker'],
  },
  { name: 'version', title: '--version', scenario: 'startup', target: seconds(0.06), caches: WARM, engines: ALL },
  {
    name: 'images',
    title: 'images, with 1,000 of them',
    scenario: 'startup',
    target: seconds(0.1),
    caches: WARM,
    engines: ['shale', 'docker'],
  },
  {
    name: 'load',
    title: 'load and first run, 80,000 files',
    scenario: 'load',
    target: faster(4),
    caches: WARM,
    engines: ['shale', 'docker'],
  },
  {
    name: 'memory',
    title: 'peak memory, 80,000 files',
    scenario: 'memory',
    target: megabytes(400),
    caches: WARM,
    engines: OURS,
  },
  {
    name: 'memory-huge',
    title: 'peak memory, one file of 10 GB',
    scenario: 'huge',
    target: megabytes(400),
    caches: WARM,
    engines: OURS,
  },
  {
    name: 'growth',
    title: 'growth from 10,000 to 160,000 files',
    scenario: 'growth',
    target: { kind: 'exponent', value: 1.05 },
    caches: WARM,
    engines: OURS,
  },
]
