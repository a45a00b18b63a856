import type { FileEntry } from '../../layer/entry.ts'

/** What an image hardly needs, by where it lies. */
export interface CacheSize {
  /** `apt lists`, `documentation`. */
  readonly name: string
  readonly bytes: number
  readonly files: number
  /** How to be without it. */
  readonly advice: string
}

const DOCS = 'exclude it with dpkg’s path-exclude before packages are installed'

const PLACES: readonly (readonly [name: string, place: RegExp, advice: string])[] = [
  ['apt lists', /^var\/lib\/apt\/lists\//, 'end the RUN with rm -rf /var/lib/apt/lists/*, or mount it as a cache'],
  ['apt packages', /^var\/cache\/apt\//, 'end the RUN with apt-get clean, or mount it as a cache'],
  ['apk cache', /^var\/cache\/apk\//, 'apk add --no-cache'],
  ['dnf and yum cache', /^var\/cache\/(?:dnf|yum|libdnf5)\//, 'end the RUN with dnf clean all'],
  ['npm cache', /(?:^|\/)\.npm\/_cacache\//, 'RUN --mount=type=cache,target=/root/.npm'],
  ['yarn cache', /(?:^|\/)\.cache\/yarn\/|^usr\/local\/share\/\.cache\/yarn\//, 'end the RUN with yarn cache clean'],
  ['pip cache', /(?:^|\/)\.cache\/pip\//, 'pip install --no-cache-dir'],
  [
    'Maven repository',
    /(?:^|\/)\.m2\/repository\//,
    'RUN --mount=type=cache,target=/root/.m2, or build in another stage',
  ],
  ['Go build cache', /(?:^|\/)\.cache\/go-build\//, 'RUN --mount=type=cache,target=/root/.cache/go-build'],
  ['documentation', /^usr\/share\/(?:doc|man|info)\//, DOCS],
  ['translations', /^usr\/share\/locale\//, DOCS],
]

/** Every place with something in it, the largest first. */
export function cachesOf(files: readonly FileEntry[]): readonly CacheSize[] {
  const found = PLACES.map(([name, place, advice]) => ({ name, place, advice, bytes: 0, files: 0 }))
  for (const { path, size } of files) {
    if (!MAYBE.test(path)) continue
    const one = found.find(({ place }) => place.test(path))
    if (one === undefined) continue
    one.bytes += size
    one.files++
  }
  return found
    .filter(one => one.files > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes, files, advice }) => ({ name, bytes, files, advice }))
}

/** One look for all but a few of the paths of an image. */
const MAYBE = /^var\/(?:lib\/apt|cache)\/|^usr\/(?:share\/(?:doc|man|info|locale)|local\/share)\/|\.(?:npm|cache|m2)\//
