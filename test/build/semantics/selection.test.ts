// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import assert from 'node:assert/strict'
import { builds, type Case, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

/** Four directories with files of several kinds, links among them. */
const MIXED = {
  'p1/pic.png': '1',
  'p1/note.txt': '2',
  'p1/photo.jpeg': '3',
  'p2/paper.pdf': '4',
  'p2/scan.jpeg': '5',
  'p2/logo.png': '6',
  'p3/song.mp3': '7',
  'p3/film.mpeg': '8',
  'p4/one.txt': '9',
  'p4/two.txt': { symlink: 'one.txt' },
  'p4/lost.txt': { symlink: 'nowhere.txt' },
}

const EXCLUDES: readonly (readonly [string, readonly string[]])[] = [
  [
    'COPY --exclude=*/*.png --exclude=*/*.jpeg . /o',
    ['p1/note.txt', 'p2/paper.pdf', 'p3/film.mpeg', 'p3/song.mp3', 'p4/lost.txt', 'p4/one.txt', 'p4/two.txt'],
  ],
  [
    'COPY --exclude=*/*.pdf --exclude=*/*.txt . /o',
    ['p1/photo.jpeg', 'p1/pic.png', 'p2/logo.png', 'p2/scan.jpeg', 'p3/film.mpeg', 'p3/song.mp3'],
  ],
  ['ADD --exclude=*.mp3 p3/ /o/', ['film.mpeg']],
  ['COPY --exclude=*.mp3 --exclude=*.jpeg --exclude=*.png --exclude=*.pdf --exclude=*.txt p* /o/', ['film.mpeg']],
  [
    'ADD --exclude=*.mp* --exclude=*.jpeg --exclude=*.png --exclude=*.pdf p* /o',
    ['lost.txt', 'note.txt', 'one.txt', 'two.txt'],
  ],
  ['ADD --exclude=* p* /o', []],
  [
    'COPY --exclude=p1/*.txt --exclude=p4/*.txt . /o/',
    ['p1/photo.jpeg', 'p1/pic.png', 'p2/logo.png', 'p2/paper.pdf', 'p2/scan.jpeg', 'p3/film.mpeg', 'p3/song.mp3'],
  ],
]

builds(
  bench,
  EXCLUDES.flatMap(([line, kept]) => {
    const fromStage = line.replace(/^(COPY|ADD)/, 'COPY --from=all').replace(/ (\.|p\d?[*/]*) /, ' /$1 ')
    const check: NonNullable<Case['check']> = ({ files }) => {
      assert.deepEqual(files.tree('/o'), kept)
      assert.match(files.describe('/o') ?? '', /^directory/)
    }
    return [
      { title: `what is left of ${line}`, dockerfile: `FROM scratch\n${line}`, context: MIXED, check },
      {
        title: `what is left of ${fromStage}`,
        dockerfile: `FROM scratch AS all\nCOPY . /\nFROM scratch\n${fromStage}`,
        context: MIXED,
        check,
      },
    ]
  }),
)

builds(bench, [
  {
    title: 'excluded links are left out, others stay links',
    dockerfile: 'FROM scratch\nCOPY --exclude=*/two* . /o',
    context: MIXED,
    entries: { '/o/p4/lost.txt': 'symlink nowhere.txt' },
    absent: ['/o/p4/two.txt'],
  },
  {
    title: '--parents keeps the path, below the working directory too, with wildcards',
    dockerfile: 'FROM scratch\nCOPY --parents x/y/one /\nWORKDIR /w\nCOPY --parents x/y/o* .',
    context: { 'x/y/one': '1', 'x/y/other': '2' },
    files: { '/x/y/one': '1', '/w/x/y/one': '1', '/w/x/y/other': '2' },
    absent: ['/x/y/other'],
  },
])

const TREE = [
  'FROM busybox AS base',
  'RUN mkdir -p /t/k/l/m/n/o /t/k/l2/m/n/o /t/k/l/m2/n/o /t/k/l/m2/n/o2 && \\',
  '  touch /t/k/l/m/n/f /t/k/l/m/n/o/p1 /t/k/l2/m/n/o/p2 /t/k/l/m2/n/o/p3 /t/k/l/m2/n/o2/p3',
  'FROM scratch',
].join('\n')

const PIVOTS: readonly (readonly [string, readonly string[]])[] = [
  ['/t/k/l/./m/n', ['m/n/f', 'm/n/o/p1']],
  ['/t/k/l/m/n/.', ['t/k/l/m/n/f', 't/k/l/m/n/o/p1']],
  ['./t/k/l/m/n', ['t/k/l/m/n/f', 't/k/l/m/n/o/p1']],
  ['/t/k/./l/./m', ['l/m/n/f', 'l/m/n/o/p1']],
  ['/t/k/./*/m', ['l/m/n/f', 'l/m/n/o/p1', 'l2/m/n/o/p2']],
  ['/t/k/l*/./m/**/o', ['m/n/o/p1', 'm/n/o/p2']],
  ['/t/k/l/m*/./n/**/p3 /t/k/l*/./m/**/p2', ['m/n/o/p2', 'n/o/p3', 'n/o2/p3']],
  ['/t/k/l3*/m', []],
  ['/t/k/l/./m3*', []],
]

builds(
  bench,
  PIVOTS.map(([sources, expected]) => ({
    title: `--parents ${sources}`,
    dockerfile: `${TREE}\nCOPY --from=base --parents ${sources} /out/`,
    check: ({ files }) => {
      assert.deepEqual(files.tree('/out'), expected)
      assert.match(files.describe('/out') ?? '', /^directory/)
    },
  })),
)

failures(bench, [
  {
    title: '--parents of a file that is not there',
    dockerfile: `${TREE}\nCOPY --from=base --parents /t/nothing /out/`,
    message: /"\/t\/nothing": not found/,
  },
])
