import { parseReference } from '../../oci/reference.ts'
import { type BaseState, storedBaseState } from '../../release/base-state.ts'
import type { ImageFacts } from '../../release/facts.ts'
import { findSubject } from '../../release/subject.ts'
import { goneFacts, storedFacts } from '../../release/whatis.ts'
import type { LocalStore } from '../../store/open.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { formatOne, parseFormat } from '../format/format.ts'
import { chosenPlatform, platformFlag } from '../platform-flag.ts'
import { askedContainer } from '../whatis-container.ts'
import { whatisShape } from '../whatis-shape.ts'
import { whatisText } from '../whatis-text.ts'
import { withRegistry } from '../with-registry.ts'

export default command({
  usage: '[OPTIONS] IMAGE|DIGEST|CONTAINER',
  about:
    'Say what code is behind an image, or a container’s image: commit, version, build, Dockerfile, base and whether that ' +
    'has moved since, who built, pushed and promoted it when, and its tags. An image that is not in the store and whose name has its ' +
    'registry in it is looked up there; of that only the labels are read, nothing is downloaded.',
  examples: [
    ['whatis app:prod', 'what is running there?'],
    ['whatis web', 'what code does that container run?'],
    ['whatis 4f1c0a9be2d7', 'by ID; the digest that a cluster shows does as well'],
    ['whatis --registry registry.example.com/team/app:prod', 'what the registry has, not the store'],
    ['whatis --check-base app:prod', 'and ask the base’s registry whether there is a newer one'],
    ["whatis --format '{{.Revision}}' app:prod", 'only the commit'],
  ],
  args: { min: 1, max: 1 },
  flags: {
    checkBase: boolean('Ask the registry of the base image, and not the store, where its tag is now'),
    format: text('Go template, or json'),
    platform: platformFlag,
    registry: boolean('Look the image up in the registry of its name, even if the store has one of that name'),
  },
  async run(context, { args, flags }) {
    if (flags.format !== undefined && flags.format !== 'json') parseFormat(flags.format)
    const [name = ''] = args
    const store = await context.store()
    const container = flags.registry ? undefined : askedContainer(store, name)
    const facts = await factsOf(context, store, container?.row.image ?? name, flags)
    const base = await baseOf(context, store, facts, flags.checkBase)
    context.out.write(
      flags.format === undefined
        ? whatisText({ facts, base: base && { state: base, asked: flags.checkBase }, container }, Date.now())
        : formatOne(flags.format, whatisShape(facts, base, container)),
    )
    return 0
  },
})

interface Asked {
  readonly registry: boolean
  readonly platform: string | undefined
}

async function factsOf(
  context: Context,
  store: LocalStore,
  name: string,
  { registry, platform }: Asked,
): Promise<ImageFacts> {
  const subject = registry ? { kind: 'elsewhere' as const, reference: parseReference(name) } : findSubject(store, name)
  if (subject.kind === 'image') return await storedFacts(store, subject.id, subject)
  if (subject.kind === 'gone') return goneFacts(store, subject.id)
  const { remoteFacts } = await import('../../release/whatis-registry.ts')
  return await withRegistry(context, access =>
    remoteFacts({ ...access, store }, subject.reference, chosenPlatform(platform, context)),
  )
}

async function baseOf(
  context: Context,
  store: LocalStore,
  { base }: ImageFacts,
  ask: boolean,
): Promise<BaseState | undefined> {
  if (base === undefined) return undefined
  if (!ask) return storedBaseState(store, base)
  const { registryBaseState } = await import('../../release/base-state-registry.ts')
  return await withRegistry(context, access => registryBaseState(access, base))
}
