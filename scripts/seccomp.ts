// node scripts/seccomp.ts: writes the filters of the default profile, so that a container's start need not assemble one.
import { writeFileSync } from 'node:fs'
import { DEFAULT_CAPABILITIES } from '../src/sandbox/capabilities.ts'
import { assembleFilter } from '../src/sandbox/seccomp/assemble.ts'
import { DEFAULT_PROFILE } from '../src/sandbox/seccomp/default-profile.ts'
import { resolveProfile } from '../src/sandbox/seccomp/resolve.ts'

const MACHINES = ['x64', 'arm64']
const COLUMNS = 116

const filters = MACHINES.map(machine => {
  const subject = { machine, capabilities: DEFAULT_CAPABILITIES, kernel: '5.0' }
  const program = assembleFilter(resolveProfile(DEFAULT_PROFILE, subject), machine) ?? new Uint8Array(0)
  const lines =
    Buffer.from(program)
      .toString('base64')
      .match(new RegExp(`.{1,${COLUMNS}}`, 'g')) ?? []
  return `  ${machine}: \`\n${lines.join('\n')}\n\`,`
})

const text = `/** The default profile's filter for Docker's 14 capabilities, in Base64. Written by scripts/seccomp.ts. */
export const PREBUILT: Readonly<Record<string, string>> = {
${filters.join('\n')}
}
`
writeFileSync(new URL('../src/sandbox/seccomp/prebuilt.ts', import.meta.url), text)
