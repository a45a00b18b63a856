/** What is put on top of minimal Debian to make a stand-in base image. */
export interface Recipe {
  readonly packages: readonly string[]
  /** Files of `scripts/bases/files` and where they go, with their mode. */
  readonly files?: readonly { readonly from: string; readonly to: string; readonly mode: number }[]
  /** Take over the certificate authorities that this machine's administrator added, as some networks need. */
  readonly localAuthorities?: boolean
}

const MAVEN_PLUGINS = ['clean', 'compiler', 'dependency', 'deploy', 'install', 'jar', 'resources', 'site']

/** Debian's addgroup and adduser take other flags than the ones that Alpine's users write. */
const BUSYBOX_USERS = ['addgroup', 'adduser'].map(name => ({ from: name, to: `usr/local/sbin/${name}`, mode: 0o755 }))

/**
 * The bases of the article's Dockerfiles, from Debian's packages: `jdk` and `jre` stand for `eclipse-temurin`, `node`
 * and `nginx` for the images of that name.
 */
export const RECIPES = {
  'debian-trixie': { packages: [] },
  jdk: {
    packages: [
      'openjdk-21-jdk-headless',
      'maven',
      'libsurefire-java',
      'junit4',
      ...MAVEN_PLUGINS.map(name => `libmaven-${name}-plugin-java`),
    ],
    files: [{ from: 'maven-settings.xml', to: 'etc/maven/settings.xml', mode: 0o644 }],
  },
  jre: { packages: ['openjdk-21-jre-headless', 'mawk'], files: BUSYBOX_USERS },
  node: { packages: ['nodejs', 'npm', 'ca-certificates'], localAuthorities: true },
  nginx: {
    packages: ['nginx-light'],
    // Where the image of that name serves from; Debian's own default is /var/www/html.
    files: [{ from: 'nginx-default', to: 'etc/nginx/sites-available/default', mode: 0o644 }],
  },
} as const satisfies Readonly<Record<string, Recipe>>

export type BaseName = keyof typeof RECIPES

export const BASE_NAMES = Object.keys(RECIPES) as readonly BaseName[]
