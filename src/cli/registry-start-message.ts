import type { ServerSettings } from '../registry/server/config/settings.ts'

/** What `registry serve` says when it listens: where, for whom, and how to push to it. */
export function startMessage(url: string, root: string, settings: ServerSettings): string {
  const name = new URL(url).host.replace(/^(127\.0\.0\.1|\[::1\])/, 'localhost')
  const lines = [
    `Registry listening on ${url}`,
    `  data      ${root}`,
    `  access    ${access(settings)}`,
    ...(settings.immutableTags.length === 0 ? [] : [`  tags      immutable: ${tags(settings)}`]),
    '',
    ...(settings.readOnly ? pullLines(name) : pushLines(name, settings)),
    `Stop it with Ctrl-C. Health: ${url}/healthz  Metrics: ${url}/metrics`,
    '',
  ]
  return [...warning(settings), ...lines].join('\n')
}

function access({ users, anonymous, rules, readOnly }: ServerSettings): string {
  const what = readOnly ? 'pull' : 'push and pull'
  const everybody = anonymous === 'pull' ? ', everybody may pull' : ''
  if (rules.length > 0) return `by ${rules.length} rules${everybody}${readOnly ? ', read-only' : ''}`
  if (users !== undefined) return `users of ${users} may ${what}${everybody}`
  return anonymous === 'pull' ? 'everybody may pull' : `everybody may ${what}`
}

function tags({ immutableTags }: ServerSettings): string {
  return immutableTags.map(({ repositories, tags }) => `${repositories.join(', ')}:${tags.join(', ')}`).join('; ')
}

function pushLines(name: string, { users }: ServerSettings): readonly string[] {
  return [
    ...(users === undefined ? [] : [`  shale login ${name}`]),
    `  shale tag IMAGE ${name}/IMAGE`,
    `  shale push ${name}/IMAGE`,
    '',
  ]
}

function pullLines(name: string): readonly string[] {
  return [`  shale pull ${name}/IMAGE`, '']
}

/** What a registry of a whole network should not do without somebody noticing. */
function warning({ host, users, tls, anonymous, readOnly }: ServerSettings): readonly string[] {
  if (host === 'localhost' || host === '::1' || host?.startsWith('127.')) return []
  const open = users === undefined && anonymous === undefined && !readOnly
  const why = [
    ...(open ? ['everybody who reaches it may push (--htpasswd)'] : []),
    ...(tls === undefined ? ['passwords and images go unencrypted (--tls-cert, --tls-key)'] : []),
  ]
  return why.length === 0 ? [] : [`WARNING: it is open to the network: ${why.join('; ')}`]
}
