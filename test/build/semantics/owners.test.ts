// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are a Dockerfile's variables
import { tarOf } from '../archives.ts'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()
const ab = { a: 'A', 'b/c': 'C' }

builds(bench, [
  {
    title: '--chown takes names and numbers, alone or as a pair, and expands variables',
    dockerfile: [
      'FROM busybox',
      'ENV who=1000',
      'ARG team',
      'COPY --chown=daemon a /',
      'COPY --chown=1000:nogroup b /b',
      'COPY --chown=${who}:${team} a /a2',
      'ADD --chown=$who:$team a /a3',
      'COPY --chown=5 a /a4',
    ].join('\n'),
    context: ab,
    options: { buildArgs: { team: 'users' } },
    entries: {
      '/a': 'file 0644 1:1',
      '/b': 'directory 0755 1000:65534',
      '/b/c': 'file 0644 1000:65534',
      '/a2': 'file 0644 1000:100',
      '/a3': 'file 0644 1000:100',
      '/a4': 'file 0644 5:5',
    },
  },
  {
    title: 'a destination that COPY --chown makes gets that owner, users made by RUN are known',
    dockerfile: [
      'FROM busybox',
      'ARG team',
      'ENV who=second',
      'RUN adduser -D first && adduser -D second',
      'COPY --chown=first:first . /d1',
      'COPY --chown=${who}:${team} . /d2/e',
    ].join('\n'),
    context: ab,
    options: { buildArgs: { team: 'first' } },
    entries: {
      '/d1': 'directory 0755 1000:1000',
      '/d1/b': 'directory 0755 1000:1000',
      '/d2': 'directory 0755 1001:1000',
      '/d2/e': 'directory 0755 1001:1000',
    },
  },
  {
    title: 'COPY --from keeps owners, --chown sets them, existing directories keep theirs',
    dockerfile: [
      'FROM busybox AS src',
      'RUN touch /f && chown 7:8 /f && mkdir -p /d/s && touch /d/s/n && chown 7:8 /d && chown 9:10 /d/s && chown 11:12 /d/s/n',
      'FROM busybox AS dst',
      'RUN mkdir -p /old/sub && touch /old/f && chown 50:60 /old && chown 51:61 /old/sub /old/f',
      'FROM dst AS plain',
      'COPY --from=src /f /plain/',
      'COPY --from=src /d /plain/d',
      'COPY --from=src /d/. /old',
      'COPY --from=src --chown=3:4 /f /set/',
      'COPY --from=src --chown=3:4 /d /set/d',
      'COPY --from=src --chown=3:4 /d/. /old/sub',
    ].join('\n'),
    entries: {
      '/plain/f': 'file 0644 7:8',
      '/plain/d': 'directory 0755 0:0',
      '/plain/d/s': 'directory 0755 9:10',
      '/plain/d/s/n': 'file 0644 11:12',
      '/old': 'directory 0755 50:60',
      '/old/f': 'file 0644 51:61',
      '/old/s': 'directory 0755 9:10',
      '/old/s/n': 'file 0644 11:12',
      '/set/f': 'file 0644 3:4',
      '/set/d': 'directory 0755 3:4',
      '/set/d/s': 'directory 0755 3:4',
      '/set/d/s/n': 'file 0644 3:4',
      '/old/sub': 'directory 0755 51:61',
      '/old/sub/s/n': 'file 0644 3:4',
    },
  },
  {
    title: '--chmod takes octal modes, for directories that it makes too',
    dockerfile: [
      'FROM scratch',
      'COPY --chmod=0640 a /',
      'COPY --chmod=777 b /b',
      'COPY --chmod=0 a /none',
      'COPY --chmod=777 a /up/a',
      'COPY --chmod=770 a /up/er/a',
      'ARG mode',
      'COPY --chmod=${mode} a /var',
      'ADD --chmod=4755 a /suid',
    ].join('\n'),
    context: ab,
    options: { buildArgs: { mode: '755' } },
    entries: {
      '/a': 'file 0640 0:0',
      '/b': 'directory 0777 0:0',
      '/b/c': 'file 0777 0:0',
      '/none': 'file 0000 0:0',
      '/up': 'directory 0777 0:0',
      '/up/er': 'directory 0770 0:0',
      '/var': 'file 0755 0:0',
      '/suid': 'file 4755 0:0',
    },
  },
  {
    title: '--chmod takes what chmod(1) takes',
    dockerfile: [
      'FROM busybox AS src',
      'RUN mkdir -p /i/p/d && touch /i/f && chmod 666 /i/f && touch /i/x && chmod 610 /i/x && chmod 124 /i/p/d',
      'FROM scratch',
      'COPY --from=src --chmod=go-w /i/f /f1',
      'COPY --from=src --chmod=u=rw,g=r,o=r /i/f /f2',
      'COPY --from=src --chmod=a+X /i/f /f3',
      'COPY --from=src --chmod=a+X /i/x /f4',
      'COPY --from=src --chmod=go-w /i/p /d1',
      'COPY --from=src --chmod=u+rw,g+r,o-x,o+w /i/p /d2',
      'COPY --from=src --chmod=a+X /i/p /d3',
    ].join('\n'),
    entries: {
      '/f1': 'file 0644 0:0',
      '/f2': 'file 0644 0:0',
      '/f3': 'file 0666 0:0',
      '/f4': 'file 0711 0:0',
      '/d1/d': 'directory 0104 0:0',
      '/d2/d': 'directory 0766 0:0',
      '/d3/d': 'directory 0135 0:0',
    },
  },
  {
    title: 'ADD --chown owns what an archive holds and the directory it goes to',
    dockerfile: 'FROM scratch\nADD --chown=100:200 t.tar /out/',
    context: { 't.tar': tarOf([{ path: 'f', content: 'F' }]) },
    files: { '/out/f': 'F' },
    entries: { '/out': 'directory 0755 100:200', '/out/f': 'file 0644 100:200' },
  },
])

const CHMOD = /invalid chmod parameter: '.*'\. it should be octal string and between 0 and 07777/
failures(
  bench,
  ['COPY --chmod=64a a /', 'COPY --chmod=10000 a /', 'ADD --chmod=64a a /'].map(line => ({
    title: `refused: ${line}`,
    dockerfile: `FROM scratch\n${line}`,
    context: ab,
    message: CHMOD,
    lines: [2, 2] as const,
  })),
)

failures(bench, [
  {
    title: 'a user that the image does not have is refused',
    dockerfile: 'FROM busybox\nCOPY --chown=nosuch a /',
    context: ab,
    message: /unable to find user nosuch/,
    lines: [2, 2],
  },
])
