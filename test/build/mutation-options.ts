import { alias, edit, extendBase, type Mutation, options, prune } from './mutation-row.ts'

/** A platform that this machine's images and programs are good for, but which is not its own: x64 has such. */
const PLATFORM = { os: 'linux', architecture: 'amd64', variant: 'v2' }

const PLATFORM_ROWS: readonly Mutation[] = [
  {
    change: '--platform',
    mutate: options({ platform: PLATFORM }),
    runs: [
      'RUN echo tool > /tool <- first-time: first build here for linux/amd64/v2',
      'RUN cat src/* > all || true <- first-time: first build here for linux/amd64/v2',
      'RUN cat /tool /late > /both <- first-time: first build here for linux/amd64/v2',
    ],
  },
  {
    change: 'FROM --platform',
    mutate: edit('FROM base AS tools', 'FROM --platform=linux/amd64/v2 base AS tools'),
    runs: ['RUN echo tool > /tool <- argument-changed: platform changed from linux/amd64 to linux/amd64/v2'],
  },
]

/** Flags of `build`, base images and what the cache holds. */
export const OPTION_ROWS: readonly Mutation[] = [
  {
    change: '--build-arg',
    mutate: options({ buildArgs: { VERSION: '2' } }),
    runs: [
      'RUN cat src/* > all || true <- argument-changed: arg VERSION changed from 1 to 2',
      'RUN cat /tool /late > /both <- argument-changed: arg VERSION changed from 1 to 2',
    ],
  },
  { change: '--build-arg with the default', mutate: options({ buildArgs: { VERSION: '1' } }), runs: [] },
  { change: '--build-arg that nothing declares', mutate: options({ buildArgs: { OTHER: '2' } }), runs: [] },
  {
    change: '--build-arg of a proxy',
    mutate: options({ buildArgs: { HTTP_PROXY: 'http://p', no_proxy: 'x' } }),
    runs: [],
  },
  {
    change: '--network',
    mutate: options({ network: 'none' }),
    runs: [
      'RUN echo tool > /tool <- argument-changed: network changed from host to none',
      'RUN cat src/* > all || true <- argument-changed: network changed from host to none',
      'RUN cat /tool /late > /both <- argument-changed: network changed from host to none',
    ],
  },
  {
    change: '--add-host with another address',
    options: { addHosts: ['db:10.0.0.1'] },
    mutate: options({ addHosts: ['db:10.0.0.2'] }),
    runs: [
      'RUN echo tool > /tool <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.2',
      'RUN cat src/* > all || true <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.2',
      'RUN cat /tool /late > /both <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.2',
    ],
  },
  {
    change: '--add-host',
    mutate: options({ addHosts: ['db:10.0.0.1'] }),
    runs: [
      'RUN echo tool > /tool <- argument-changed: host db is new: db:10.0.0.1',
      'RUN cat src/* > all || true <- argument-changed: host db is new: db:10.0.0.1',
      'RUN cat /tool /late > /both <- argument-changed: host db is new: db:10.0.0.1',
    ],
  },
  {
    change: '--add-host with a second address',
    options: { addHosts: ['db:10.0.0.1'] },
    mutate: options({ addHosts: ['db:10.0.0.1', 'db:10.0.0.2'] }),
    runs: [
      'RUN echo tool > /tool <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.1, db:10.0.0.2',
      'RUN cat src/* > all || true <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.1, db:10.0.0.2',
      'RUN cat /tool /late > /both <- argument-changed: host db changed from db:10.0.0.1 to db:10.0.0.1, db:10.0.0.2',
    ],
  },
  ...(process.arch === 'x64' ? PLATFORM_ROWS : []),
  { change: '--label', mutate: options({ labels: { a: 'b' } }), runs: [] },
  { change: '-t', mutate: options({ tags: ['another-name'] }), runs: [] },
  { change: '--target', mutate: options({ target: 'tools' }), runs: [] },
  { change: '--compression', mutate: options({ compression: 'zstd' }), runs: [] },
  {
    change: '--no-cache',
    mutate: options({ noCache: true }),
    runs: [
      'RUN echo tool > /tool <- no-cache: asked to build without the cache',
      'WORKDIR /app <- no-cache: asked to build without the cache',
      'COPY src ./src <- no-cache: asked to build without the cache',
      'RUN cat src/* > all || true <- no-cache: asked to build without the cache',
      'COPY --from=tools /tool /tool <- no-cache: asked to build without the cache',
      'COPY late /late <- no-cache: asked to build without the cache',
      'RUN cat /tool /late > /both <- no-cache: asked to build without the cache',
    ],
  },
  {
    change: '--no-cache-filter',
    mutate: options({ noCacheFilter: ['tools'] }),
    runs: ['RUN echo tool > /tool <- no-cache: asked to build without the cache'],
  },
  {
    change: 'a file of the base',
    mutate: extendBase('RUN echo more > /more'),
    runs: [
      'RUN echo tool > /tool <- base-changed: the base image changed: base',
      'RUN cat src/* > all || true <- base-changed: the base image changed: base',
      'RUN cat /tool /late > /both <- base-changed: the base image changed: base',
    ],
  },
  { change: 'a label of the base', mutate: extendBase('LABEL x=y'), runs: [] },
  {
    change: 'a variable of the base',
    mutate: extendBase('ENV OF_BASE=1'),
    runs: [
      'RUN echo tool > /tool <- argument-changed: env OF_BASE is new: 1',
      'RUN cat src/* > all || true <- argument-changed: env OF_BASE is new: 1',
      'RUN cat /tool /late > /both <- argument-changed: env OF_BASE is new: 1',
    ],
  },
  {
    change: 'the user of the base',
    mutate: extendBase('USER 0'),
    runs: [
      'RUN echo tool > /tool <- argument-changed: user changed from "" to 0',
      'RUN cat src/* > all || true <- argument-changed: user changed from "" to 0',
      'RUN cat /tool /late > /both <- argument-changed: user changed from "" to 0',
    ],
  },
  {
    change: 'ONBUILD of the base',
    mutate: extendBase('ONBUILD RUN echo of-base > /onbuild'),
    runs: [
      'RUN echo of-base > /onbuild <- first-time: new step',
      // The other stage with this base waits for the trigger's step, and takes what it made.
      'RUN echo tool > /tool <- parent-changed: files below it changed: RUN echo of-base > /onbuild',
      'RUN cat src/* > all || true <- parent-changed: files below it changed: RUN echo of-base > /onbuild',
      'RUN cat /tool /late > /both <- parent-changed: files below it changed: RUN echo of-base > /onbuild',
    ],
  },
  {
    change: 'the same base under another name',
    mutate: async (_, at, dockerfile) => {
      await alias(at, 'same')
      return { dockerfile: dockerfile.replace('FROM base AS web', 'FROM same AS web') }
    },
    runs: [],
  },
  {
    change: 'another base',
    mutate: edit('FROM base AS web', 'FROM alpine AS web'),
    runs: [
      'RUN cat src/* > all || true <- base-changed: the base image changed: alpine',
      'RUN cat /tool /late > /both <- base-changed: the base image changed: alpine',
    ],
  },
  {
    change: 'a record pruned',
    mutate: (_, at) => {
      prune(at, 'COPY late')
      return undefined
    },
    runs: ['COPY late /late <- cache-dropped: its record was pruned from the build cache'],
  },
  {
    change: 'a record pruned and a variable changed',
    mutate: (_, at, dockerfile) => {
      prune(at, 'RUN cat /tool')
      return { dockerfile: dockerfile.replace('MODE=fast', 'MODE=slow') }
    },
    runs: [
      'RUN cat src/* > all || true <- argument-changed: env MODE changed from fast to slow',
      'RUN cat /tool /late > /both <- cache-dropped: its record was pruned from the build cache',
    ],
  },
]
