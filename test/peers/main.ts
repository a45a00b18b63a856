// node test/peers/main.ts make [tools|engines] | path [SET] | enter [--set SET] [--bind HOST:INNER]… COMMAND…
import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'
import { enterCommand, enterEnv } from '../../scripts/bases/enter.ts'
import { ShaleError } from '../../src/error.ts'
import { type PeerSet, peerRoot } from './root.ts'

const USAGE = 'usage: main.ts make|path [tools|engines], or enter [--set SET] [--bind HOST:INNER]… COMMAND…'

function usage(): ShaleError {
  return new ShaleError('USAGE', USAGE)
}

function peerSet(name: string | undefined): PeerSet {
  if (name === undefined || name === 'tools') return 'tools'
  if (name === 'engines') return 'engines'
  throw usage()
}

/** Options end at the first word of the command, so that the command's own options need no `--`. */
function enterOptions(args: readonly string[]) {
  let end = 0
  while (args[end] === '--set' || args[end] === '--bind') end += 2
  const options = { set: { type: 'string' }, bind: { type: 'string', multiple: true } } as const
  const { values } = parseArgs({ args: args.slice(0, end), options })
  const binds = (values.bind ?? []).map(pair => {
    const [host, inner] = pair.split(':')
    if (!host) throw usage()
    return { host, inner: inner || host }
  })
  return { set: peerSet(values.set), binds, command: args.slice(end) }
}

async function enterPeers(args: readonly string[]): Promise<void> {
  const { set, binds, command } = enterOptions(args)
  const options = { binds, readOnly: true, env: { TERM: process.env.TERM } }
  const words = command.length === 0 ? ['bash'] : command
  const [program, ...rest] = enterCommand(await peerRoot(set), words, options) as [string, ...string[]]
  const child = spawn(program, rest, { stdio: 'inherit', env: enterEnv(options) })
  child.on('close', code => {
    process.exitCode = code ?? 1
  })
}

try {
  const [verb, ...args] = process.argv.slice(2)
  if (verb === 'make' || verb === 'path') console.log(await peerRoot(peerSet(args[0])))
  else if (verb === 'enter') await enterPeers(args)
  else throw usage()
} catch (error) {
  if (!(error instanceof ShaleError)) throw error
  console.error(`${error.message}${error.hint === undefined ? '' : ` (${error.hint})`}`)
  process.exitCode = 1
}
