import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Random } from '../build/generated.ts'
import { mutate } from './mutate.ts'
import { loadTarget, TARGETS } from './target.ts'

const SEEDS = join(import.meta.dirname, 'seeds')

/** A few changes of each seed, the same ones each time; `npm run fuzz` looks further. */
const CHANGES = 40

for (const name of TARGETS) {
  test(`${name}: every seed, and what is like it, keeps the target's properties`, async () => {
    const target = await loadTarget(name)
    const files = readdirSync(join(SEEDS, name)).toSorted()
    const seeds = files.map(file => readFileSync(join(SEEDS, name, file)))
    const random = new Random(1)
    for (const [index, seed] of seeds.entries()) {
      await keeps(target.run, seed, `seed ${files[index]}`)
      for (let change = 0; change < CHANGES; change++) {
        const input = mutate(seed, random, target.words, () => random.pick(seeds))
        await keeps(target.run, input, `change ${change} of seed ${files[index]}`)
      }
    }
  })
}

async function keeps(run: (input: Buffer) => void | Promise<void>, input: Buffer, what: string): Promise<void> {
  try {
    await run(input)
  } catch (cause) {
    throw new Error(`${what}: ${input.toString('base64').slice(0, 20_000)}`, { cause })
  }
}
