import { spawn } from 'node:child_process'
import * as z from 'zod/mini'
import { isErrno, ShaleError } from '../../error.ts'
import type { Credential } from './credentials.ts'

const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() })
const HELPER_TIMEOUT = 60_000
const UNKNOWN = /credentials not found|no credentials|not found in native keychain/i

/** A program `docker-credential-NAME`. Source: docker/docker-credential-helpers' protocol: all secrets go through pipes. */
export interface CredentialHelper {
  /** Undefined when it has no login for the server. */
  get(server: string): Promise<Credential | undefined>
  store(server: string, credential: Credential): Promise<void>
  /** False when there was nothing to erase. */
  erase(server: string): Promise<boolean>
}

/** All its methods throw `CREDENTIAL_HELPER`, which shows no secret. */
export function credentialHelper(name: string, env: NodeJS.ProcessEnv): CredentialHelper {
  const call = (verb: string, server: string, input: string) => callHelper({ name, env }, verb, server, input)
  return {
    async get(server) {
      const { output } = await call('get', server, server)
      if (output === undefined) return undefined
      const answer = answerSchema.safeParse(safeJson(output))
      if (!answer.success) throw failure(name, server, 'its answer is malformed')
      const { Username, Secret } = answer.data
      if (Username === '<token>') return { kind: 'identity', token: Secret }
      return { kind: 'password', username: Username, password: Secret }
    },
    async store(server, credential) {
      const login =
        credential.kind === 'identity'
          ? { Username: '<token>', Secret: credential.token }
          : { Username: credential.username, Secret: credential.password }
      await call('store', server, JSON.stringify({ ServerURL: server, ...login }))
    },
    async erase(server) {
      const { output } = await call('erase', server, server)
      return output !== undefined
    },
  }
}

interface Helper {
  readonly name: string
  readonly env: NodeJS.ProcessEnv
}

/** No output means that the helper says that it has nothing for the server. */
async function callHelper(
  { name, env }: Helper,
  verb: string,
  server: string,
  input: string,
): Promise<{ readonly output: string | undefined }> {
  if (!/^[\w.-]+$/.test(name)) throw failure(name, server, 'its name has characters that no helper has')
  const ended = await run(`docker-credential-${name}`, verb, input, env).catch(error => {
    throw failure(name, server, isErrno(error, 'ENOENT') ? 'it is not installed' : (error as Error).message)
  })
  if (ended.code === 0) return { output: ended.output }
  if (verb !== 'store' && UNKNOWN.test(ended.output)) return { output: undefined }
  throw failure(name, server, `it ended with exit code ${ended.code}`)
}

function failure(name: string, server: string, why: string): ShaleError {
  return new ShaleError('CREDENTIAL_HELPER', `docker-credential-${name.slice(0, 64)} failed for ${server}: ${why}`, {
    hint: 'the helper is named in docker’s config.json as credsStore or credHelpers',
  })
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function run(
  program: string,
  verb: string,
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: HELPER_TIMEOUT })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output = (output + chunk).slice(0, 65_536)
    })
    child.on('error', reject)
    child.on('close', code => resolve({ code: code ?? -1, output }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
  })
}
