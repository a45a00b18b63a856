import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree, type Tree } from '../support/fixture.ts'
import { seeded } from './random.ts'

export const EPOCH = { SOURCE_DATE_EPOCH: '1700000000' }

const FILES_PER_FOLDER = 50

/** Two stages and three RUNs. The second RUN writes as many files as the context has. */
const DOCKERFILE = `FROM scratch AS build
COPY bin /bin
COPY src /src
RUN cat /src/*/* | wc -c > /size
RUN mkdir /out && cp -r /src/* /out/
FROM scratch
COPY bin /bin
COPY --from=build /out /app
COPY --from=build /size /size
RUN find /app -type f | sort | sha256sum > /sum
`

/** Writes a project with that many files of seeded sizes that needs no base image; gives its folder. */
export async function writeProject(folder: string, files: number, seed = 1): Promise<string> {
  const busybox = readFileSync(join(await busyboxRootfs(), 'bin/busybox'))
  const random = seeded(seed)
  const sources = Array.from({ length: files }, (_, at): [string, string] => {
    const path = `src/${Math.floor(at / FILES_PER_FOLDER)}/${at}.txt`
    return [path, `${random()}\n`.repeat(1 + Math.floor(200 * random() ** 3))]
  })
  const tree: Tree = { Dockerfile: DOCKERFILE, 'bin/sh': { content: busybox, mode: 0o755 } }
  return await fixtureTree(folder, { ...tree, ...Object.fromEntries(sources) })
}
