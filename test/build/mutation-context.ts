import { chmod, mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setXattr } from '../support/xattr.ts'
import { tarOf } from './archives.ts'
import { inFolder, type Mutation } from './mutation-row.ts'

/** Changes of files that COPY reads, and of those that it does not. */
export const CONTEXT_ROWS: readonly Mutation[] = [
  { change: 'nothing', mutate: () => undefined, runs: [] },
  {
    change: 'content of a file',
    mutate: inFolder(folder => writeFile(join(folder, 'src/a'), 'other')),
    runs: [
      'COPY src ./src <- context-changed: src/a changed (content)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'content of two files',
    mutate: inFolder(folder => Promise.all(['src/a', 'src/b'].map(name => writeFile(join(folder, name), 'other')))),
    runs: [
      'COPY src ./src <- context-changed: src/a changed (content), src/b changed (content)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'content of three files',
    mutate: inFolder(folder => Promise.all(['a', 'b', 'c'].map(name => writeFile(join(folder, 'src', name), 'three')))),
    runs: [
      'COPY src ./src <- context-changed: src/a changed (content) and 2 more',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'mode of a file',
    mutate: inFolder(folder => chmod(join(folder, 'src/a'), 0o755)),
    runs: [
      'COPY src ./src <- context-changed: src/a changed (mode 0644 became 0755)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY src ./src',
    ],
  },
  {
    change: 'mode of a folder',
    mutate: inFolder(folder => chmod(join(folder, 'src/sub'), 0o700)),
    runs: [
      'COPY src ./src <- context-changed: src/sub changed (mode 0755 became 0700)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY src ./src',
    ],
  },
  {
    change: 'mode of the folder whose contents are copied',
    mutate: inFolder(folder => chmod(join(folder, 'src'), 0o700)),
    runs: [],
  },
  {
    change: 'a file more',
    mutate: inFolder(folder => writeFile(join(folder, 'src/c'), 'C')),
    runs: [
      'COPY src ./src <- context-changed: src/c added',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'an empty folder more',
    mutate: inFolder(folder => mkdir(join(folder, 'src/d'))),
    runs: [
      'COPY src ./src <- context-changed: src/d added',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY src ./src',
    ],
  },
  {
    change: 'a file less',
    mutate: inFolder(folder => unlink(join(folder, 'src/b'))),
    runs: [
      'COPY src ./src <- context-changed: src/b removed',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'a file renamed',
    mutate: inFolder(folder => rename(join(folder, 'src/b'), join(folder, 'src/bb'))),
    runs: [
      'COPY src ./src <- context-changed: src/b removed, src/bb added',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY src ./src',
    ],
  },
  {
    change: 'a file that became a folder',
    mutate: inFolder(async folder => {
      await rm(join(folder, 'src/b'))
      await mkdir(join(folder, 'src/b'))
    }),
    runs: [
      'COPY src ./src <- context-changed: src/b changed (file became directory)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'target of a link',
    mutate: inFolder(async folder => {
      await unlink(join(folder, 'src/link'))
      await symlink('b', join(folder, 'src/link'))
    }),
    runs: [
      'COPY src ./src <- context-changed: src/link changed (link to a became b)',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'a late file',
    mutate: inFolder(folder => writeFile(join(folder, 'late'), 'l')),
    runs: [
      'COPY late /late <- context-changed: late changed (content)',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: COPY late /late',
    ],
  },
  {
    change: 'a pattern of .dockerignore',
    mutate: inFolder(folder => writeFile(join(folder, '.dockerignore'), '*.log\n**/*.log\nsrc/link')),
    runs: [
      'COPY src ./src <- context-changed: src/link removed',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'a pattern less in .dockerignore',
    mutate: inFolder(folder => writeFile(join(folder, '.dockerignore'), '*.log')),
    runs: [
      'COPY src ./src <- context-changed: src/skipped.log added',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: COPY src ./src',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN cat src/* > all || true',
    ],
  },
  {
    change: 'a comment in .dockerignore',
    mutate: inFolder(folder => writeFile(join(folder, '.dockerignore'), '# logs\n*.log\n**/*.log\n')),
    runs: [],
  },
  {
    change: 'an ignored file',
    mutate: inFolder(folder => writeFile(join(folder, 'src/skipped.log'), 'x')),
    runs: [],
  },
  {
    change: 'a file that nothing copies',
    mutate: inFolder(folder => writeFile(join(folder, 'outside'), 'x')),
    runs: [],
  },
  {
    change: 'a file rewritten with the same content',
    mutate: inFolder(folder => writeFile(join(folder, 'src/a'), 'A')),
    runs: [],
  },
  {
    change: 'modification times only',
    mutate: inFolder(async folder => {
      await utimes(join(folder, 'src/a'), 1, 1)
      await utimes(join(folder, 'src'), 1, 1)
    }),
    runs: [],
  },
  {
    change: 'an extended attribute',
    mutate: inFolder(async folder => setXattr(join(folder, 'src/a'), 'user.note', Buffer.from('x'))),
    runs: [],
  },
  {
    change: 'content of an archive that ADD unpacks',
    dockerfile: 'FROM base\nADD files.tar /files/\nRUN ls /files > /list',
    files: { 'files.tar': tarOf([{ path: 'f', content: 'one' }]) },
    mutate: inFolder(folder => writeFile(join(folder, 'files.tar'), tarOf([{ path: 'f', content: 'two' }]))),
    runs: [
      'ADD files.tar /files/ <- context-changed: files.tar changed (content)',
      'RUN ls /files > /list <- parent-changed: files below it changed: ADD files.tar /files/',
    ],
  },
]
