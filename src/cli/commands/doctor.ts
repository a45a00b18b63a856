import type { Check, CheckStatus } from '../../doctor/check.ts'
import { examine } from '../../doctor/doctor.ts'
import { defaultRoot } from '../../store/open.ts'
import { command } from '../command.ts'
import { text } from '../flag.ts'

export default command({
  usage: '[OPTIONS]',
  about:
    'Look whether this machine has what Shale needs: store, kernel, users, runtimes, DNS, log-ins. Names what is missing ' +
    'and what to do about it. The exit code is 1 when builds or containers do not work without it.',
  examples: [
    ['doctor', 'everything, a line each'],
    ['doctor --format json', 'for a script'],
    ['--offline doctor', 'without asking any network'],
  ],
  args: { min: 0, max: 0 },
  flags: { format: text('text (default) or json', { short: 'f', choices: ['text', 'json'] }) },
  async run(context, { flags }) {
    const checks = await examine({
      root: context.root ?? defaultRoot(context.env, process.getuid?.() ?? 0),
      env: context.env,
      offline: /^(?:1|true)$/i.test(context.env.SHALE_OFFLINE ?? ''),
      signal: context.signal,
    })
    const ok = !checks.some(({ status }) => status === 'missing')
    if (flags.format === 'json') context.out.write(`${JSON.stringify({ ok, checks }, undefined, 2)}\n`)
    else context.out.write(`${lines(checks).join('\n')}\n`)
    return ok ? 0 : 1
  },
})

const WORDS: Readonly<Record<CheckStatus, string>> = { ok: 'ok', limited: 'limited', missing: 'MISSING', absent: '-' }

function lines(checks: readonly Check[]): readonly string[] {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.flatMap(({ name, status, message, advice }) => [
    `${WORDS[status].padEnd(9)}${name.padEnd(width + 2)}${message}`,
    ...(advice === undefined ? [] : [`${' '.repeat(9 + width + 2)}→ ${advice}`]),
  ])
}
