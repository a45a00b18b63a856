import type { Instruction, RunInstruction } from '../dockerfile/instruction.ts'
import { parseMount } from '../dockerfile/mount.ts'
import type { Dockerfile } from '../dockerfile/parse.ts'
import { ShaleError } from '../error.ts'
import { located } from './located.ts'
import type { Entitlement } from './options.ts'

/** What a remote source of ADD begins with. */
const REMOTE = /^(?:https?:\/\/|git@|git:\/\/|ssh:\/\/)/

/** Docker's own frontend, in any version and from any registry's mirror of it. */
const DOCKERFILE_FRONTEND = /^(?:.*\/)?dockerfile(?:-upstream)?(?:[:@].*)?$/

/** Refuses what this version cannot do before anything runs, and points at the line. */
export function checkSupported(
  dockerfile: Dockerfile,
  instructions: readonly Instruction[],
  allow: readonly Entitlement[],
): void {
  checkSyntax(dockerfile)
  for (const instruction of instructions) {
    try {
      if (instruction.kind === 'run') checkMounts(dockerfile, instruction)
      refuseUnsupported(instruction, allow)
    } catch (error) {
      throw located(error, dockerfile, instruction.range)
    }
  }
}

/** `# syntax=` names the image whose program reads the file; Shale reads Docker's language and no other. */
function checkSyntax({ directives, file, text }: Dockerfile): void {
  const syntax = directives.find(({ name }) => name === 'syntax')
  const [frontend = ''] = syntax?.value.split(/\s/) ?? []
  if (syntax === undefined || DOCKERFILE_FRONTEND.test(frontend)) return
  throw new ShaleError(
    'SYNTAX_UNSUPPORTED',
    `# syntax=${frontend}: Shale reads the language of docker/dockerfile only`,
    {
      hint: 'leave the line out if the file is a Dockerfile',
      source: { file, text, range: syntax.range },
    },
  )
}

/** Throws `RUN_SECURITY_UNSUPPORTED`, `RUN_DEVICE_UNSUPPORTED`, `COPY_URL`, `ADD_REMOTE_UNSUPPORTED`. */
export function refuseUnsupported(instruction: Instruction, allow: readonly Entitlement[] = []): void {
  if (instruction.kind === 'run') refuseRun(instruction, allow)
  if (instruction.kind !== 'copy' && instruction.kind !== 'add') return
  const remote = instruction.sources.find(source => REMOTE.test(source))
  if (remote === undefined || (instruction.kind === 'copy' && instruction.from !== undefined)) return
  if (instruction.kind === 'copy') {
    throw new ShaleError('COPY_URL', "source can't be a URL for COPY", { hint: 'use ADD, or RUN with curl' })
  }
  const message = `ADD ${remote}: remote sources are not supported by this version of Shale`
  throw new ShaleError('ADD_REMOTE_UNSUPPORTED', message, {
    hint: 'download it in a RUN step, or put the file into the build context',
  })
}

/** A mistake in a mount is told before anything runs. What has variables is not known yet. */
function checkMounts(dockerfile: Dockerfile, { mounts }: RunInstruction): void {
  const written = mounts.filter(({ text }) => !text.includes('$'))
  for (const mount of written) parseMount(mount, value => value, dockerfile)
}

function refuseRun({ security, devices }: RunInstruction, allow: readonly Entitlement[]): void {
  if (security === 'insecure' && !allow.includes('security.insecure')) {
    throw new ShaleError(
      'RUN_SECURITY_UNSUPPORTED',
      'RUN --security=insecure: entitlement security.insecure is not allowed',
      {
        hint: 'build with --allow security.insecure if you trust this Dockerfile; else leave the flag out',
      },
    )
  }
  if (devices.length > 0) {
    throw new ShaleError('RUN_DEVICE_UNSUPPORTED', 'RUN --device is not supported by this version of Shale', {
      hint: 'use the device in a container of the image, not in its build',
    })
  }
}
