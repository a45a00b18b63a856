import type { Deb } from './deb.ts'

/** A link that has several candidates: `/usr/bin/java` by the name `java`. */
export interface Alternative {
  readonly link: string
  readonly name: string
  readonly path: string
  readonly priority: number
}

/**
 * The alternatives that packages would register, read from data and not by running their scripts: calls of
 * update-alternatives that are written out in a `postinst`, and Java's `.jinfo` files. Of each name the one with the
 * highest priority, as in automatic mode; of equals the first in the order given. `exists` tells which targets are there.
 */
export function chooseAlternatives(debs: readonly Deb[], exists: (path: string) => boolean): readonly Alternative[] {
  const best = new Map<string, Alternative>()
  for (const found of debs.flatMap(deb => [...inScript(deb), ...inJinfo(deb)])) {
    if (!exists(found.path)) continue
    const before = best.get(found.name)
    if (before === undefined || found.priority > before.priority) best.set(found.name, found)
  }
  return [...best.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function inScript({ scripts }: Deb): readonly Alternative[] {
  const script = scripts.get('postinst')?.replaceAll(/\\\n/g, ' ') ?? ''
  return [...script.matchAll(/update-alternatives\s+(?:--quiet\s+)?--install\s([^\n;&|]*)/g)].flatMap(
    ([, words = '']) => readCall(words.trim().split(/\s+/)),
  )
}

/** `link name path priority [--slave link name path]...`; words of shell are no data. */
function readCall(words: readonly string[]): readonly Alternative[] {
  if (words.some(word => /[$`"'(){}<>*]/.test(word))) return []
  const [link, name, path, priority, ...rest] = words
  if (link === undefined || name === undefined || path === undefined || !/^-?\d+$/.test(priority ?? '')) return []
  const found: Alternative[] = [{ link, name, path, priority: Number(priority) }]
  for (let at = 0; at + 3 < rest.length && rest[at] === '--slave'; at += 4) {
    const [slave = '', slaveName = '', slavePath = ''] = rest.slice(at + 1, at + 4)
    found.push({ link: slave, name: slaveName, path: slavePath, priority: Number(priority) })
  }
  return found
}

/** Lines such as `hl java /usr/lib/jvm/java-21-openjdk-amd64/bin/java`, after `priority=2111`. */
function inJinfo({ contents }: Deb): readonly Alternative[] {
  return [...contents].flatMap(([path, content]) => {
    if (!/^usr\/lib\/jvm\/\.[^/]+\.jinfo$/.test(path) || !(content instanceof Uint8Array)) return []
    const text = Buffer.from(content).toString('utf8')
    const priority = Number(/^priority=(\d+)$/m.exec(text)?.[1] ?? 0)
    return [...text.matchAll(/^(?:hl|jre|jdk|jdkhl) (\S+) (\S+)$/gm)].map(([, name = '', target = '']) => ({
      ...{ link: `/usr/bin/${name}`, name, path: target, priority },
    }))
  })
}
