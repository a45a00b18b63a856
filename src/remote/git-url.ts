import { ShaleError } from '../error.ts'

/** What an address of a git repository asks for. */
export interface GitSource {
  /** As git takes it, credentials included: for git only, never for messages. */
  readonly remote: string
  /** The address as a person may see it. */
  readonly shown: string
  /** Branch, tag, commit or `refs/…`; the repository's HEAD if absent. */
  readonly ref?: string | undefined
  /** Folder in the repository, relative and clean. */
  readonly subdir?: string | undefined
  /** Commit, or its beginning, that the ref must lead to. */
  readonly commit?: string | undefined
  readonly keepGitDir?: boolean | undefined
  readonly submodules?: boolean | undefined
}

const QUERY_KEYS = ['ref', 'branch', 'tag', 'commit', 'checksum', 'subdir', 'keep-git-dir', 'submodules']

/**
 * An address of a repository: `https://host/repo.git#ref:folder`, `git@host:repo.git`, `ssh://`, `git://`, `file://`,
 * `github.com/owner/repo`; undefined for what is none. `#` names ref and folder, or `?` does by name. Throws
 * `INVALID_GIT_URL`. Source: Docker's documentation, "Git contexts" and "URL queries".
 */
export function parseGitUrl(text: string): GitSource | undefined {
  const [beforeFragment = '', fragment] = splitOnce(text, '#')
  const [address = '', query] = splitOnce(beforeFragment, '?')
  const remote = gitRemote(address)
  if (remote === undefined) return undefined
  const fail = (why: string): never => {
    throw new ShaleError('INVALID_GIT_URL', `invalid git address ${redactUrl(text)}: ${why}`, {
      hint: 'write it as https://example.com/repository.git#branch:folder',
    })
  }
  if (/[\0-\x1f]/.test(text) || address.startsWith('-')) fail('it has characters that no address has')
  const [ref = '', folder = ''] = splitOnce(fragment ?? '', ':')
  const asked = new URLSearchParams(query ?? '')
  const unknown = [...asked.keys()].find(key => !QUERY_KEYS.includes(key))
  if (unknown !== undefined) fail(`unexpected query ${JSON.stringify(unknown)}, not one of ${QUERY_KEYS.join(', ')}`)
  const name = chosenRef(ref, asked, fail)
  if (name !== undefined && !/^[^\s~^:?*[\\-][^\s~^:?*[\\]*$/.test(name)) fail(`${JSON.stringify(name)} is no ref`)
  return {
    remote,
    shown: redactUrl(address),
    ref: name,
    subdir: cleanFolder(folder || (asked.get('subdir') ?? ''), fail),
    commit: asked.get('commit') ?? asked.get('checksum') ?? undefined,
    keepGitDir: flagOf(asked, 'keep-git-dir', fail),
    submodules: flagOf(asked, 'submodules', fail),
  }
}

/** An address without name and password. */
export function redactUrl(text: string): string {
  return text.replace(/^([a-z+]+:\/\/)[^/@]*@(?=[^/])/i, (_, scheme: string) => scheme)
}

function gitRemote(address: string): string | undefined {
  if (/^(?:ssh|git|file):\/\/./.test(address)) return address
  if (/^[\w.-]+@[\w.-]+:(?!\/\/)./.test(address)) return address
  if (/^github\.com\/[^/]+\/[^/]+/.test(address)) return `https://${address}`
  if (!/^https?:\/\//.test(address)) return undefined
  return /\.git\/?$/.test(address) ? address : undefined
}

/** `?ref`, `?branch` and `?tag` name what `#` names, and must agree with it. */
function chosenRef(fragment: string, asked: URLSearchParams, fail: (why: string) => never): string | undefined {
  const branch = asked.get('branch')
  const tag = asked.get('tag')
  const names = [
    fragment || null,
    asked.get('ref'),
    branch === null ? null : qualified(branch, 'refs/heads/'),
    tag === null ? null : qualified(tag, 'refs/tags/'),
  ].filter(name => name !== null)
  const [first] = names
  const other = names.find(name => name !== first)
  if (other !== undefined) fail(`ref conflicts: it names both ${first} and ${other}`)
  return first
}

function qualified(name: string, prefix: string): string {
  return name.startsWith('refs/') ? name : `${prefix}${name}`
}

function cleanFolder(text: string, fail: (why: string) => never): string | undefined {
  const parts = text.split('/').filter(part => part !== '' && part !== '.')
  if (parts.includes('..')) fail(`the folder ${JSON.stringify(text)} leads out of the repository`)
  return parts.length === 0 ? undefined : parts.join('/')
}

function flagOf(asked: URLSearchParams, key: string, fail: (why: string) => never): boolean | undefined {
  const value = asked.get(key)
  if (value === null) return undefined
  if (/^(?:|1|t|true)$/i.test(value)) return true
  if (/^(?:0|f|false)$/i.test(value)) return false
  return fail(`${key}=${value}: it is true or false`)
}

function splitOnce(text: string, separator: string): readonly [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}
