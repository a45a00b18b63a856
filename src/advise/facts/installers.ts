import { positional } from '../shell/arguments.ts'
import type { ShellCommand } from '../shell/script.ts'

/** How a package manager gets dependencies, and what that needs of the project. */
export interface Installer {
  /** Files that it reads; those that are there are to be copied first. */
  readonly files: readonly string[]
  /** The command that only gets dependencies; undefined when the command itself does. */
  readonly first: string | undefined
}

interface Kind extends Installer {
  readonly program: RegExp
  readonly verbs: RegExp
  /** With words after the verb it installs these, and no project. */
  readonly alone?: true
}

const KINDS: readonly Kind[] = [
  {
    program: /^npm$/,
    verbs: /^(?:ci|clean-install|install|i)$/,
    alone: true,
    files: ['package.json', 'package-lock.json', 'npm-shrinkwrap.json'],
    first: undefined,
  },
  {
    program: /^pnpm$/,
    verbs: /^(?:install|i)$/,
    alone: true,
    files: ['package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml'],
    first: undefined,
  },
  {
    program: /^yarn$/,
    verbs: /^(?:install|)$/,
    alone: true,
    files: ['package.json', 'yarn.lock', '.yarnrc.yml'],
    first: undefined,
  },
  {
    program: /^poetry$/,
    verbs: /^install$/,
    files: ['pyproject.toml', 'poetry.lock'],
    first: 'poetry install --no-root',
  },
  { program: /^uv$/, verbs: /^sync$/, files: ['pyproject.toml', 'uv.lock'], first: 'uv sync --no-install-project' },
  { program: /^pipenv$/, verbs: /^(?:install|sync)$/, files: ['Pipfile', 'Pipfile.lock'], first: undefined },
  {
    program: /^mvnw?$/,
    verbs: /^(?:package|install|verify|compile|deploy)$/,
    files: ['pom.xml'],
    first: 'mvn -B dependency:go-offline',
  },
  {
    program: /^gradlew?$/,
    verbs: /^(?:build|assemble|jar|bootJar|shadowJar|installDist)$/,
    files: ['build.gradle', 'build.gradle.kts', 'settings.gradle', 'settings.gradle.kts', 'gradle.properties'],
    first: 'gradle dependencies --no-daemon',
  },
  { program: /^go$/, verbs: /^(?:build|install)$/, alone: true, files: ['go.mod', 'go.sum'], first: 'go mod download' },
  {
    program: /^cargo$/,
    verbs: /^(?:build|install)$/,
    files: ['Cargo.toml', 'Cargo.lock'],
    first: 'cargo fetch --locked',
  },
  {
    program: /^composer(?:\.phar)?$/,
    verbs: /^install$/,
    files: ['composer.json', 'composer.lock'],
    first: 'composer install --no-scripts --no-autoloader',
  },
  { program: /^bundle$/, verbs: /^install$/, files: ['Gemfile', 'Gemfile.lock'], first: undefined },
  {
    program: /^dotnet$/,
    verbs: /^(?:build|publish|restore)$/,
    files: ['*.csproj', '*.fsproj', '*.sln'],
    first: 'dotnet restore',
  },
]

/** What kind of project's dependencies a command gets; undefined when it gets none. */
export function installerOf(command: ShellCommand): Installer | undefined {
  const requirements = requirementsOf(command)
  if (requirements !== undefined) return { files: [requirements], first: undefined }
  const kind = KINDS.find(({ program }) => program.test(command.name))
  if (kind === undefined) return undefined
  const words = positional(command.args).map(({ value }) => value)
  const [verb = '', ...more] = words
  const isMeant = kind.program.source.includes('mvn') || kind.program.source.includes('gradle')
  if (isMeant ? !words.some(word => kind.verbs.test(word)) : !kind.verbs.test(verb)) return undefined
  const isProject = !kind.alone || kind.first !== undefined || more.length === 0
  return isProject ? { files: kind.files, first: kind.first } : undefined
}

/** `pip install -r FILE` */
function requirementsOf({ name, args }: ShellCommand): string | undefined {
  if (!/^pip[\d.]*$/.test(name) && name !== 'uv' && !/^python[\d.]*$/.test(name)) return undefined
  const flag = args.findIndex(({ value }) => value === '-r' || value === '--requirement')
  const joined = args.find(({ value }) => value.startsWith('--requirement='))?.value.slice('--requirement='.length)
  return joined ?? (flag === -1 ? undefined : args[flag + 1]?.value)
}
