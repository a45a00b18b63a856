import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killRounds } from '../../test/registry/kill-rounds.ts'
import { load } from '../../test/registry/load.ts'
import type { Counts, Part } from './part.ts'

const CLIENTS = 64
const MOST_MEMORY_MB = 170

/** Kills a registry server during pushes, on one store. */
export function registryKills(rounds: number): Part {
  return {
    name: 'registry, kill -9',
    run: ({ seed, say }) =>
      inFolder(async root => {
        const onRound = (round: number) => {
          if (round % 20 === 19) say(`${round + 1} kills`)
        }
        const { kills, images, blobs, resumed } = await killRounds({ root, rounds, seed, onRound })
        return { kills, images, blobs, uploadsResumed: resumed }
      }),
  }
}

/** Many clients at once for that long. */
export function registryLoad(seconds: number): Part {
  return {
    name: 'registry, load',
    run: ({ seed }) =>
      inFolder(async root => {
        const result = await load({ root, clients: CLIENTS, seconds, seed })
        if (result.peakMemory > MOST_MEMORY_MB) throw new Error(`the server had ${result.peakMemory} MiB of memory`)
        const { pushes, pulls, megabytes, peakMemory } = result
        return { clients: CLIENTS, seconds, pushes, pulls, megabytes, serverMemoryMb: peakMemory }
      }),
  }
}

async function inFolder(action: (root: string) => Promise<Counts>): Promise<Counts> {
  const folder = await mkdtemp(join(tmpdir(), 'shale-registry-'))
  try {
    return await action(join(folder, 'store'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
