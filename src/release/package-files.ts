import * as z from 'zod/mini'
import { ShaleError } from '../error.ts'
import { readPom } from './pom.ts'
import { tomlText } from './toml-text.ts'

/** What a package's file says of it. */
export interface PackageFacts {
  readonly name?: string | undefined
  readonly version?: string | undefined
}

/** A kind of file that holds a package's version, by its name. */
export interface PackageFile {
  readonly file: string
  /** Throws `INVALID_PACKAGE_FILE` for what it cannot read. */
  readonly read: (text: string) => PackageFacts
}

/** In the order in which they are looked for. */
export const PACKAGE_FILES: readonly PackageFile[] = [
  { file: 'package.json', read: readPackageJson },
  { file: 'pom.xml', read: readPom },
  { file: 'Cargo.toml', read: readCargo },
  { file: 'pyproject.toml', read: readPyproject },
  { file: 'VERSION', read: text => ({ version: present(text.trim().split('\n')[0]) }) },
]

const packageSchema = z.looseObject({ name: z.optional(z.string()), version: z.optional(z.string()) })

function readPackageJson(text: string): PackageFacts {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new ShaleError('INVALID_PACKAGE_FILE', `package.json is not valid JSON: ${(cause as Error).message}`, {
      cause,
    })
  }
  const parsed = packageSchema.safeParse(json)
  if (!parsed.success) {
    const path = parsed.error.issues[0]?.path.join('.') || 'the whole'
    throw new ShaleError('INVALID_PACKAGE_FILE', `package.json: ${path} is not what it is to be`)
  }
  // A scope becomes the first part of the repository: @myorg/app is myorg/app.
  return { name: present(parsed.data.name?.replace(/^@/, '')), version: present(parsed.data.version) }
}

function readCargo(text: string): PackageFacts {
  const version = tomlText(text, 'package', 'version') ?? tomlText(text, 'workspace.package', 'version')
  return { name: tomlText(text, 'package', 'name'), version }
}

function readPyproject(text: string): PackageFacts {
  const either = (key: string) => tomlText(text, 'project', key) ?? tomlText(text, 'tool.poetry', key)
  return { name: either('name'), version: either('version') }
}

function present(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
