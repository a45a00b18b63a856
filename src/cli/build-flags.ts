import { boolean, list, text, wordOrBoolean } from './flag.ts'
import { runtimeFlag } from './isolation-flags.ts'
import { limitFlags } from './resource-flags.ts'

export const PROGRESS_MODES = ['auto', 'tty', 'plain', 'json', 'rawjson', 'quiet'] as const

/** As podman has them; a bare `--pull` is `always`, as with docker. */
const PULL_WORDS = ['always', 'missing', 'newer', 'never']

/** docker's and buildx's flags of `build`, and ours. */
export const buildFlags = {
  annotations: text('Mark errors and warnings for a CI: github or none (default: github on its runners)', {
    choices: ['auto', 'github', 'none'],
    placeholder: 'format',
  }),
  addHost: list('Line for /etc/hosts of RUN steps', { placeholder: 'name:address' }),
  allow: list('Let RUN steps have what they ask for: network.host, security.insecure', { placeholder: 'entitlement' }),
  buildArg: list('Value of an ARG; without a value the environment’s', { placeholder: 'NAME=value' }),
  buildContext: list('A further context: a folder, docker-image://, oci-layout://, git or HTTP address', {
    placeholder: 'name=place',
  }),
  call: text('What to do: build, or check[,format=json]', { placeholder: 'method' }),
  check: boolean('Check the Dockerfile by the rules of docs/rules and build nothing'),
  cacheFrom: list('Take steps from this cache too: user/app:cache, or type=registry or type=local with where it is', {
    placeholder: 'cache',
  }),
  cacheTo: list('Write the steps of the build to this cache: type=registry,ref=user/app:cache[,mode=max]', {
    placeholder: 'cache',
  }),
  contextModes: text('Permissions of files of the context: their own (keep), or what git keeps of them', {
    choices: ['keep', 'git'],
    placeholder: 'modes',
  }),
  compression: text('Compression of layers: zstd (default), gzip or none', { choices: ['zstd', 'gzip', 'none'] }),
  explain: boolean('Say of every step why it ran or came from the cache'),
  file: text('The Dockerfile (default: Dockerfile in the context); - reads the standard input', {
    short: 'f',
    placeholder: 'file',
  }),
  iidfile: text('Write the image ID to this file', { placeholder: 'file' }),
  label: list('Label of the image', { placeholder: 'NAME=value' }),
  ...limitFlags,
  runtime: runtimeFlag,
  load: boolean('Put the image into the store, also with other outputs'),
  metadataFile: text('Write what was built to this file, as JSON', { placeholder: 'file' }),
  network: text('Network of RUN steps: host or none', { choices: ['host', 'none', 'default'] }),
  noCache: boolean('Run every step'),
  noCacheFilter: list('Run every step of these stages', { placeholder: 'stages' }),
  onError: text('When a RUN fails: fail, or open a shell in its file system first', {
    choices: ['fail', 'shell'],
    placeholder: 'action',
  }),
  output: list('What becomes of it: a folder for its files, - for a tar, or type=local|tar|oci|docker|image,dest=', {
    short: 'o',
    placeholder: 'dest',
  }),
  platform: text('Platforms of the image, one or several (DOCKER_DEFAULT_PLATFORM)', { placeholder: 'os/arch,…' }),
  progress: text('How to show the build: auto, tty, plain or json', { choices: PROGRESS_MODES, placeholder: 'mode' }),
  provenance: text('', { hidden: true }),
  pull: wordOrBoolean('Ask the registries for newer base images; =never: for none at all', PULL_WORDS),
  push: boolean('Push the image to the registries of its names when it is built'),
  quiet: boolean('Print only the image ID', { short: 'q' }),
  reproducible: boolean('The same digest from the same commit: its time is that of all files, as --context-modes git'),
  rm: boolean('', { hidden: true }),
  forceRm: boolean('', { hidden: true }),
  sbom: text('', { hidden: true }),
  secret: list('Secret for RUN --mount=type=secret: id=mykey,src=file or id=mykey,env=VARIABLE', {
    placeholder: 'secret',
  }),
  ssh: list('Agent for RUN --mount=type=ssh: default, or id=socket or id=key file', { placeholder: 'id[=path]' }),
  tag: list('Name of the image, may be repeated', { short: 't', placeholder: 'name:tag' }),
  release: boolean('Name and label the image after its version and commit, see `shale release tags`'),
  allowDirty: boolean('With --release: take a work tree that differs from its commit'),
  target: text('Build this stage', { placeholder: 'stage' }),
}
