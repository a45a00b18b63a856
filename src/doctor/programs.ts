import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Check, DoctorRequest } from './check.ts'

const execute = promisify(execFile)

/** Where a program is on PATH; undefined when it is not. */
export function findProgram(name: string, env: DoctorRequest['env']): string | undefined {
  const folders = (env.PATH ?? '').split(':').filter(folder => folder !== '')
  return folders.map(folder => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Programs that running a command takes. */
export function checkTools({ env }: DoctorRequest): readonly Check[] {
  const lacking = ['unshare', 'setpriv', 'sh'].filter(name => findProgram(name, env) === undefined)
  if (lacking.length === 0) return [{ name: 'tools', status: 'ok', message: 'unshare and setpriv are installed' }]
  return [
    {
      name: 'tools',
      status: 'missing',
      message: `${lacking.join(' and ')} not installed: RUN and run do not work`,
      advice: 'install util-linux, which has unshare and setpriv',
    },
  ]
}

/** What runs containers: our own runtime always, others when they are installed. */
export async function checkRuntimes({ env, signal }: DoctorRequest): Promise<readonly Check[]> {
  const others = await Promise.all(['runc', 'crun'].map(name => runtime(name, env, signal)))
  return [{ name: 'runtime builtin', status: 'ok', message: 'part of Shale' }, ...others]
}

async function runtime(name: string, env: DoctorRequest['env'], signal: AbortSignal): Promise<Check> {
  const path = findProgram(name, env)
  if (path === undefined) return { name: `runtime ${name}`, status: 'absent', message: 'not installed, and not needed' }
  try {
    const { stdout } = await execute(path, ['--version'], { signal, timeout: 5000 })
    const version = /version\s+(\S+)/.exec(stdout)?.[1] ?? 'unknown version'
    return { name: `runtime ${name}`, status: 'ok', message: `${path}, ${version}` }
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    return { name: `runtime ${name}`, status: 'limited', message: `${path} does not start: ${why}` }
  }
}
