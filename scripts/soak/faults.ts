import { crowd } from '../../test/faults/crowd.ts'
import { flips } from '../../test/faults/flips.ts'
import { fullDisks, whyNoDisk } from '../../test/faults/full-disk.ts'
import { type KillOptions, type KillResult, killRounds } from '../../test/faults/kill-rounds.ts'
import { skopeo } from '../../test/faults/skopeo.ts'
import { sweep } from '../../test/faults/sweep.ts'
import type { Counts, Part } from './part.ts'

/** Each round kills five commands. */
const COMMANDS = 5
/** Two stores at a time: one of them mostly waits for the disk or for processes to end. */
const LANES = 2
const KILL_FILES = 5_000

/** Kills spread over the durations of build, tag, rmi, prune and load. */
export function kills(count: number): Part {
  return {
    name: 'kill -9',
    async run({ seed, say }) {
      const verify = skopeo()
      if (verify === undefined) throw new Error('the soak needs skopeo as a second opinion: run it as root on Debian')
      const rounds = Math.ceil(count / COMMANDS / LANES)
      const lanes = Array.from({ length: LANES }, (_, lane): KillOptions => {
        const onRound = (round: number, killed: number) => say(`lane ${lane + 1}: round ${round + 1}, ${killed} kills`)
        return { rounds, files: KILL_FILES, seed: seed + lane, verify, onRound }
      })
      return summed(await Promise.all(lanes.map(killRounds)))
    },
  }
}

function summed(results: readonly KillResult[]): Counts {
  const sum = (of: (result: KillResult) => number) => results.reduce((total, result) => total + of(result), 0)
  return {
    kills: sum(({ kills }) => kills),
    cameTooLate: sum(({ late }) => late),
    problemsRepaired: sum(({ repaired }) => repaired),
    imagesVerifiedBySkopeo: sum(({ verified }) => verified),
    files: KILL_FILES,
  }
}

/** That many processes at once on one store, and a fourth as many more that are killed. */
export function processes(count: number): Part {
  return {
    name: `${count} processes`,
    async run({ seed }) {
      const result = await crowd({ processes: count, killed: count >> 2, files: 1_000, seed })
      return { processes: result.processes, killed: result.killed }
    },
  }
}

/** A disk that is full at ever later writes of every command that writes. */
export function fullDisk(steps: number): Part {
  return {
    name: 'full disk',
    async run({ say }) {
      const why = whyNoDisk()
      if (why !== undefined) throw new Error(why)
      const { commands, full, enough } = await fullDisks({ steps, files: 300, say })
      return { commands, full, justEnough: enough }
    },
  }
}

/** Every page of a database damaged in every way, and bits flipped anywhere in it. */
export function damagedDatabase(bits: number): Part {
  return {
    name: 'damaged database',
    async run({ seed, say }) {
      const [pages, flipped] = await Promise.all([sweep({ seed, say }), flips({ flips: bits, seed, say })])
      return {
        damagedPages: pages.cases,
        foundByACheck: pages.found,
        flippedBits: flipped.flips,
        named: flipped.named,
        madeAnew: flipped.rebuilt,
      }
    },
  }
}
