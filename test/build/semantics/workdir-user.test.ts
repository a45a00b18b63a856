import assert from 'node:assert/strict'
import { builds, failures, sharedBench } from './cases.ts'

const bench = sharedBench()

builds(bench, [
  {
    title: 'WORKDIR makes its directory, even if another follows',
    dockerfile: 'FROM scratch\nWORKDIR /left\nWORKDIR /',
    entries: { '/left': 'directory 0755 0:0' },
  },
  {
    title: 'a directory that WORKDIR makes belongs to the user, one that exists keeps its owner',
    dockerfile: [
      'FROM busybox',
      'RUN adduser -D kim && mkdir /his && chown kim:kim /his && mkdir /hers',
      'WORKDIR /his',
      'USER kim',
      'WORKDIR /new/deep',
      'WORKDIR /hers',
    ].join('\n'),
    entries: {
      '/his': 'directory 0755 1000:1000',
      '/new/deep': 'directory 0755 1000:1000',
      '/hers': 'directory 0755 0:0',
    },
  },
  {
    title: 'sources of COPY --from stand on the root, not on the other stage’s working directory',
    dockerfile: 'FROM scratch AS b\nWORKDIR /in\nCOPY f /\nFROM scratch\nCOPY --from=b f .',
    context: { f: 'F' },
    files: { '/f': 'F' },
  },
  {
    title: 'USER decides ids and supplementary groups of RUN',
    dockerfile: [
      'FROM busybox',
      'WORKDIR /out',
      'RUN chmod 777 . && id -u > default && id -G >> default',
      'RUN echo "lee:x:1001:1001::/bin:/bin/false" >> /etc/passwd; echo "lee:x:1001:" >> /etc/group; echo "more:x:1002:lee" >> /etc/group',
      'USER lee',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > name',
      'USER 1001',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > number',
      'USER lee:lee',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > both',
      'USER lee:more',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > other',
      'USER 1001:1002',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > numbers',
      'USER 1042:1043',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > strange',
      'USER 1234',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > unknown',
      'USER daemon',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > daemon',
      'USER root',
      'RUN echo "$(id -u):$(id -g) $(id -G)" > root',
      'USER nobody',
    ].join('\n'),
    files: {
      '/out/default': '0\n0 10\n',
      '/out/name': '1001:1001 1001 1002\n',
      '/out/number': '1001:1001 1001 1002\n',
      '/out/both': '1001:1001 1001\n',
      '/out/other': '1001:1002 1002\n',
      '/out/numbers': '1001:1002 1002\n',
      '/out/strange': '1042:1043 1043\n',
      '/out/unknown': '1234:0 0\n',
      '/out/daemon': '1:1 1\n',
      '/out/root': '0:0 0 10\n',
    },
    check: ({ image }) => assert.equal(image.config.config?.User, 'nobody'),
  },
])

failures(bench, [
  {
    title: 'RUN as a user that is not there',
    dockerfile: 'FROM busybox\nUSER ghost\nRUN true',
    message: /unable to find user ghost/,
    lines: [3, 3],
  },
])
