// npm run demo: the main job on real input, explained as it goes. A second run comes from the cache and says so.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { base } from './bases/bases.ts'
import type { BaseName } from './bases/recipes.ts'
import { answerOf } from './demo/answer.ts'
import { Shale } from './demo/shale.ts'

const EXAMPLES = fileURLToPath(new URL('../examples/', import.meta.url))
const FOLDER = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'shale-demo')
const shale = new Shale(join(FOLDER, 'store'))
const totals = { ran: 0, cached: 0 }

/** The article's base images, and what stands in for them. */
const BASES: readonly (readonly [string, BaseName])[] = [
  ['debian:trixie', 'debian-trixie'],
  ['eclipse-temurin:21-jdk-alpine', 'jdk'],
  ['eclipse-temurin:21-jre-alpine', 'jre'],
  ['node:22-alpine', 'node'],
  ['nginx:1.25-alpine', 'nginx'],
]

function say(text: string): void {
  console.log(`\n${text}`)
}

/** Shows a command, runs it, and shows the part of its output that matters. */
function show(args: readonly string[], options: { cwd?: string; input?: string; lines?: number } = {}): string {
  const { lines = 12, ...rest } = options
  console.log(`$ shale ${args.map(word => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word}'`)).join(' ')}`)
  const { stdout, stderr, seconds } = shale.run(args, rest)
  const output = (stdout || stderr).split('\n').filter(line => line.trim() !== '')
  const left = output.length - lines
  for (const line of left > 0 ? output.slice(-lines) : output) console.log(`  ${line}`)
  console.log(`  (${seconds.toFixed(2)} s${left > 0 ? `, ${left} lines above left out` : ''})`)
  return stdout
}

/** Builds, counts what ran and what came from the cache, and shows why each step ran. */
function build(args: readonly string[], cwd: string, input?: string): void {
  const metadata = join(FOLDER, 'events')
  const words = ['build', ...args]
  console.log(`$ shale ${words.join(' ')}`)
  const { stdout, stderr, seconds } = shale.run([...words, '--progress', 'json'], {
    cwd,
    ...(input !== undefined && { input }),
  })
  rmSync(metadata, { force: true })
  const events = `${stdout}${stderr}`
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line))
  const names = new Map<number, string>()
  for (const event of events) {
    if (event.type === 'started') for (const step of event.steps) names.set(step.id, step.name)
    if (event.type === 'step-added') names.set(event.step.id, event.step.name)
    if (event.type !== 'step-finished' || event.reason === undefined) continue
    const ran = event.status === 'ran'
    const time = ran ? `${(event.durationMs / 1000).toFixed(1)}s` : 'CACHED'
    console.log(`  ${time.padStart(6)}  ${names.get(event.id)}${ran ? `  <- ${event.reason.summary}` : ''}`)
  }
  const finished = events.find(event => event.type === 'finished')
  totals.ran += finished.ran
  totals.cached += finished.cached
  console.log(
    `  image ${finished.imageId.slice(0, 19)}: ${finished.ran} ran, ${finished.cached} cached (${seconds.toFixed(2)} s)`,
  )
}

function copyExample(name: string): string {
  const folder = join(FOLDER, 'projects', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(dirname(folder), { recursive: true })
  const skip = new Set(['node_modules', 'dist', 'target'])
  cpSync(join(EXAMPLES, name), folder, { recursive: true, filter: path => !skip.has(basename(path)) })
  return folder
}

async function makeBases(): Promise<void> {
  say('1. Base images. Docker Hub is not needed: stand-ins are made from a real Debian root and signed packages.')
  for (const [name, recipe] of BASES) {
    const tar = await base(recipe)
    build(
      ['-q', '-t', name, '-f', '-', dirname(tar)].filter(word => word !== '-q'),
      FOLDER,
      `FROM scratch\nADD ${basename(tar)} /\n`,
    )
  }
}

async function ordersApi(): Promise<void> {
  say('2. The complete example of the article: Maven builds in one stage, only the jar goes into the image.')
  const folder = copyExample('orders-api')
  build(['-t', 'myorg/orders-api:1.0.0', '.'], folder)

  say(
    '3. A comment changes in a source file. Dependencies stay cached, the build names the file; and as the jar comes out the same, so does the image.',
  )
  const source = join(folder, 'src/main/java/org/example/orders/OrdersApi.java')
  writeFileSync(source, `${readFileSync(source, 'utf8')}// changed\n`)
  build(['-t', 'myorg/orders-api:1.0.1', '.'], folder)

  say('4. Tags are names for an image; several may point at the same one.')
  show(['tag', 'myorg/orders-api:1.0.0', 'myorg/orders-api:latest'])
  show(['images'])
  show(['image', 'ls', 'myorg/orders-api'])

  say('5. What is in it, and which line made it.')
  show([
    'inspect',
    '-f',
    '{{.Config.User}} {{json .Config.Cmd}} {{json .Config.ExposedPorts}}',
    'myorg/orders-api:1.0.0',
  ])
  show(['history', 'myorg/orders-api:1.0.0'])

  say('6. It runs, as an ordinary user, and answers HTTP.')
  await runAndAsk('myorg/orders-api:1.0.0', '8080:8080', '/orders')

  say('7. The same project with COPY . . first, as the article warns against; and the hardened image from a ready jar.')
  build(['-t', 'myorg/orders-api:suboptimal', '-f', join(folder, 'Dockerfile.suboptimal'), '.'], folder)
  hardened(folder)
}

function hardened(project: string): void {
  const folder = join(FOLDER, 'projects', 'hardened')
  mkdirSync(folder, { recursive: true })
  const jar = show(['run', '--rm', 'myorg/orders-api:1.0.0', 'sha256sum', '/app/app.jar'])
  const archive = shale.run([
    'run',
    '--rm',
    '-v',
    `${folder}:/out`,
    '-u',
    '0',
    'myorg/orders-api:1.0.0',
    'cp',
    '/app/app.jar',
    '/out/',
  ])
  if (archive.code !== 0 || jar === '') throw new Error('the jar could not be copied')
  build(['-t', 'myorg/hardened:1.0.0', '-f', join(project, 'Dockerfile.hardened'), '.'], folder)
  show(['run', '--rm', 'myorg/hardened:1.0.0', 'id'])
}

/** Runs an image with a published port, `here:there`, and asks it for a path. */
async function runAndAsk(image: string, port: string, path: string): Promise<void> {
  const url = `http://127.0.0.1:${port.split(':')[0]}${path}`
  console.log(`$ shale run --rm -p ${port} ${image} &`)
  const server = shale.start(['run', '--rm', '-p', port, image])
  try {
    const { status, body } = await answerOf(url, 60)
    console.log(`  GET ${url} -> ${status}: ${body.trim().split('\n')[0]?.slice(0, 100)}`)
    if (status !== 200) throw new Error(`${url} answered ${status}\n${server.output()}`)
  } finally {
    await server.stop()
  }
}

async function web(): Promise<void> {
  say('8. Node builds a site in one stage, nginx serves it from another: no node_modules in the result.')
  const folder = copyExample('web')
  build(['-t', 'myorg/web:1.0.0', '.'], folder)
  await runAndAsk('myorg/web:1.0.0', '8081:80', '/')
}

function keepHouse(): void {
  say('9. Keeping house: what takes space, what would go, and what keeps the rest.')
  show(['system', 'df'])
  show(['image', 'prune', '--dry-run', '--explain'])
  show(['image', 'prune', '-f'])
}

mkdirSync(FOLDER, { recursive: true })
const again = existsSync(join(FOLDER, 'done'))
const started = performance.now()
try {
  await makeBases()
  await ordersApi()
  await web()
  keepHouse()
  writeFileSync(join(FOLDER, 'done'), '')
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const verdict = totals.ran === 0 ? 'all cache hits' : `${totals.ran} steps ran`
  say(
    `Done in ${seconds} s: ${verdict}, ${totals.cached} steps came from the cache. The store is ${join(FOLDER, 'store')}.`,
  )
  if (totals.ran > 0)
    say(again ? 'Steps ran again because their inputs changed.' : 'Run it again: every step will come from the cache.')
} catch (error) {
  console.error(`\ndemo: ${(error as Error).message}`)
  process.exitCode = 1
}
