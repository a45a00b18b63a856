/** What is known to differ between the two, why, and where: lines of `differences` in `build-compare.ts`. */
export interface KnownDifference {
  /** The case, if it is known of one only. */
  readonly of?: string
  readonly line: RegExp
  readonly reason: string
}

/** Shale's choice, or Docker Engine's limit. */
const INTENDED: readonly KnownDifference[] = [
  { line: /^config ArgsEscaped: docker true/, reason: 'deprecated by the image specification, of Windows only' },
  {
    line: / xattrs: docker -, shale \{"user\.note"/,
    reason: "Docker's own storage keeps security.capability only; BuildKit with containerd keeps all",
  },
  {
    of: 'add-archives',
    line: /^tree \/xz\//,
    reason: 'dockerd unpacks xz with the program xz, which its root here lacks',
  },
  {
    line: /^history \d+: docker (COPY|ADD) .*, shale (COPY|ADD) (--(from|link|chmod|chown)|\[|<<)/,
    reason: 'Shale records the instruction as it was written, with its flags in their order',
  },
  {
    line: /^history \d+: docker (HEALTHCHECK &\{|EXPOSE map\[)/,
    reason: "Docker prints Go's own form of the value",
  },
  {
    line: /^history \d+: docker ARG (\w+) \(no layer\), shale ARG \1=/,
    reason: 'Shale records the value that the argument has',
  },
  {
    of: 'variables',
    line: /^history \d+: docker RUN \|6 .*, shale RUN \|3 /,
    reason: 'Shale lists arguments once, and only those in force',
  },
  {
    of: 'run-forms',
    line: /^history \d+: docker RUN \/bin\/sh -c (\/dev\/pipes\/SCRIPT, shale RUN \/dev\/pipes\/SCRIPT$|cat )/,
    reason: 'Shale names the script without a shell, and ends a here-document with its newline',
  },
  { of: 'onbuild', line: /^history \d+: /, reason: 'Docker records no ONBUILD instruction in the history' },
  {
    of: 'workdir-and-user',
    line: /^(history \d+: docker WORKDIR |config WorkingDir: docker \/tmp\/\.\.\/\/etc, shale \/etc$)/,
    reason: 'Shale records the path in its plain form',
  },
  {
    of: 'workdir-and-user',
    line: /^layers: docker 10, shale 9$/,
    reason: 'Shale makes no layer for a working folder that exists',
  },
  {
    of: 'variables',
    line: /^(config Labels: .*|history \d+: docker LABEL .*|tree \/(seen|env) sha256: .*)$/,
    reason:
      'the Dockerfile reference, ARG: "Environment variables defined using the ENV instruction always override an ARG instruction of the same name"; BuildKit takes an ARG that comes after the ENV',
  },
  {
    of: 'add-archives',
    line: /^tree \/owned\/.* owner: docker .*, shale 9:10$/,
    reason: "BuildKit's testDockerfileAddChownArchive: --chown owns what an archive holds; that of Docker 26 is older",
  },
  {
    of: 'copy-modes',
    line: /^tree \/(files|new|new\/sticky) mode: docker 0755, shale (0640|1777)$/,
    reason:
      "BuildKit's testCopyChmod: folders that the copy makes have the mode of --chmod; that of Docker 26 is older",
  },
  {
    of: 'link-onto-links',
    line: /^tree \/opt(\/x)? (mode: docker 0755, shale 0711|owner: docker 0:0, shale 7:8)$/,
    reason:
      'the Dockerfile reference, COPY --link: "Your source files are copied into an empty destination directory. That directory is turned into a layer", so the layer has the parents; Docker without containerd makes a plain COPY of it',
  },
]

export const KNOWN: readonly KnownDifference[] = INTENDED
