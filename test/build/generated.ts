import { chmodSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Numbers from a seed, the same on every machine (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }
}

export interface Project {
  readonly stages: readonly Stage[]
  readonly buildArgs: Readonly<Record<string, string>>
}
interface Stage {
  readonly from: string
  readonly lines: readonly string[]
}

const PATHS = ['a', 'b', 'c.txt', 'd/x', 'd/y', 'd/deep/z', 'e/x', 'e/f.txt']
const WORDS = ['one', 'two', 'three', 'four']
const FLAGS = [
  '',
  '',
  '',
  '--chown=7:8 ',
  '--chown=daemon ',
  '--chmod=0700 ',
  '--chmod=go-r ',
  '--link ',
  '--exclude=x ',
  '--parents ',
]
const TARGETS = ['/t1/', '/t2/', './', 'sub/', '/t1/in/']

/** Commands whose result depends on the files alone; each is a sandbox, so there are few. */
const COMMANDS = [
  'find /t1 /t2 /w -type f 2>/dev/null | sort | xargs -r sha256sum > /sums',
  'mkdir -p /t1/made && echo "$KEY $WORD" > /t1/made/f',
  'rm -rf /t1/d /t2/a; true',
  'chmod -R a+w /t2 2>/dev/null; ln -sf ../t1 /link; true',
  'find /t1 /t2 /w -name "x*" 2>/dev/null | sort | head -20 > /found',
]

export function newProject(random: Random): Project {
  const count = 2 + random.below(2)
  const stages = Array.from({ length: count }, (_, index) => ({
    from: index === 0 || random.chance(40) ? random.pick(['scratch', 'busybox', 'busybox']) : `s${random.below(index)}`,
    lines: Array.from({ length: 2 + random.below(3) }, () => newLine(random, index)),
  }))
  return { stages, buildArgs: {} }
}

function newLine(random: Random, stage: number): string {
  const kind = random.below(12)
  if (kind < 4) return copyLine(random)
  if (kind < 6 && stage > 0)
    return `COPY --from=s${random.below(stage)} ${random.pick(FLAGS)}/t* ${random.pick(TARGETS)}`
  if (kind < 7) return `WORKDIR ${random.pick(['/w', 'v', '/t1', '/w/deep', '/'])}`
  if (kind < 8) return `ENV KEY=${random.pick(WORDS)}`
  if (kind < 9) return `ARG WORD=${random.pick(WORDS)}`
  if (kind < 10) return random.pick(['USER 5', 'USER 0', 'LABEL l=1', 'SHELL ["/bin/ash", "-c"]', 'CMD ["x"]'])
  return `RUN ${random.pick(COMMANDS)}`
}

function copyLine(random: Random): string {
  const source = random.pick(['.', 'd', 'e', 'd*', '*.txt', 'a*', '*/x*'])
  return `${random.pick(['COPY', 'COPY', 'ADD'])} ${random.pick(FLAGS.filter(flag => flag !== '--parents '))}${source} ${random.pick(TARGETS)}`
}

/** RUN needs a shell: in stages that begin with nothing such lines are left out. Ends with a name for every stage. */
export function dockerfileOf({ stages }: Project): string {
  const hasShell = (index: number): boolean => {
    const from = stages[index]?.from ?? 'scratch'
    return from === 'busybox' || (from.startsWith('s') && from !== 'scratch' && hasShell(Number(from.slice(1))))
  }
  return stages
    .map(({ from, lines }, index) => {
      const usable = lines.filter(line => hasShell(index) || !/^RUN|daemon|^USER|^SHELL/.test(line))
      // A root directory of its own for every stage, so that /t* always matches something.
      return [`FROM ${from} AS s${index}`, 'COPY d /t1/', ...usable, 'USER 0'].join('\n')
    })
    .join('\n')
}

export function newContext(random: Random, folder: string): void {
  for (const path of PATHS) write(folder, path, random.pick(WORDS))
  symlinkSync('a', join(folder, 'alink'))
}

function write(folder: string, path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  rmSync(join(folder, path), { recursive: true, force: true })
  writeFileSync(join(folder, path), content)
}

/** One change, to the Dockerfile, its arguments or the context; says which. */
export function mutate(
  random: Random,
  project: Project,
  folder: string,
): { readonly project: Project; readonly what: string } {
  const kind = random.below(10)
  if (kind < 5) return { project, what: mutateContext(random, folder) }
  if (kind === 5) {
    const buildArgs = { WORD: random.pick(WORDS) }
    return { project: { ...project, buildArgs }, what: `build-arg WORD=${buildArgs.WORD}` }
  }
  const at = random.below(project.stages.length)
  const stages = project.stages.map((stage, index) => (index === at ? mutateStage(random, stage, index) : stage))
  return { project: { ...project, stages }, what: `stage s${at}` }
}

function mutateContext(random: Random, folder: string): string {
  const path = random.pick(PATHS)
  const how = random.pick(['content', 'content', 'mode', 'remove', 'add', 'directory', 'link', 'ignore'])
  if (how === 'content') write(folder, path, `${random.pick(WORDS)} ${random.below(3)}`)
  else if (how === 'mode') {
    write(folder, path, random.pick(WORDS))
    chmodSync(join(folder, path), random.pick([0o600, 0o644, 0o755]))
  } else if (how === 'remove') rmSync(join(folder, random.pick(['b', 'd/y', 'e/x'])), { force: true })
  else if (how === 'add') write(folder, random.pick(['n', 'd/n', 'd/nest/n', 'e/x2']), random.pick(WORDS))
  else if (how === 'directory') mkdirSync(join(folder, 'd', `dir${random.below(2)}`), { recursive: true })
  else if (how === 'link') {
    rmSync(join(folder, 'alink'), { force: true })
    symlinkSync(random.pick(['a', 'b', 'd/x', 'nowhere']), join(folder, 'alink'))
  } else write(folder, '.dockerignore', random.pick(['', 'e/x2', '**/n', 'd/nest', '*.log']))
  return `${how} ${path} (${readdirSync(folder).length} entries)`
}

function mutateStage(random: Random, stage: Stage, index: number): Stage {
  const at = random.below(stage.lines.length)
  const lines = [...stage.lines]
  const how = random.below(4)
  if (how === 0 && lines.length > 1) lines.splice(at, 1)
  else if (how === 1 && lines.length < 6) lines.splice(at, 0, newLine(random, index))
  else if (how === 2) lines.push(lines.splice(at, 1)[0] as string)
  else lines[at] = newLine(random, index)
  return { ...stage, lines }
}
