import type { SourceRange } from '../error.ts'
import { Failure, located, type SourceFile } from './failure.ts'
import type {
  AddInstruction,
  Arg,
  CopyBase,
  CopyInstruction,
  CopySource,
  FromInstruction,
  Instruction,
  MountSpec,
  Pair,
} from './instruction.ts'
import { type Expansion, type LexOptions, type Lookup, lex } from './lex.ts'

/**
 * Replaces variables and removes quotes: `$x`, `${x}`, `${x:-word}`, `:+`, `:?` (each also without the colon), `${x#p}`,
 * `##`, `%`, `%%`, `${x/p/r}`, `//`. Throws `DOCKERFILE_EXPANSION` on bad input and on `${x:?}` of a missing variable.
 */
export function expandWord(input: string, lookup: Lookup, options: LexOptions = {}): Expansion {
  return located(undefined, undefined, () => lex(input, lookup, options))
}

/** Like {@link expandWord}, then split on white space that no quote protects. */
export function expandWords(input: string, lookup: Lookup, options: LexOptions = {}): readonly string[] {
  return expandWord(input, lookup, options).words
}

/** Expands the body of a COPY or ADD here-document: quotes are ordinary, `\` escapes whatever the file's escape is. */
export function expandHeredoc(content: string, lookup: Lookup): string {
  return expandWord(content, lookup, { skipQuotes: true }).value
}

/** Expands the words of one instruction, each error pointing at its word. */
class Expander {
  readonly #lookup: Lookup
  readonly #options: LexOptions
  readonly #source: SourceFile | undefined
  readonly #whole: SourceRange

  constructor(lookup: Lookup, options: LexOptions, source: SourceFile | undefined, whole: SourceRange) {
    this.#lookup = lookup
    this.#options = options
    this.#source = source
    this.#whole = whole
  }

  located<T>(range: SourceRange | undefined, work: () => T): T {
    return located(this.#source, range ?? this.#whole, work)
  }

  #lex(text: string, range: SourceRange | undefined, options = this.#options): Expansion {
    return this.located(range, () => lex(text, this.#lookup, options))
  }

  word(text: string, range?: SourceRange): string {
    return this.#lex(text, range).value
  }

  words(text: string): readonly string[] {
    return this.#lex(text, undefined).words
  }

  optional(text: string | undefined): string | undefined {
    return text === undefined ? undefined : this.word(text)
  }

  heredoc(content: string, range: SourceRange): string {
    return this.#lex(content, range, { skipQuotes: true }).value
  }
}

function expandPairs(pairs: readonly Pair[], expander: Expander): readonly Pair[] {
  return pairs.map(({ key, value, range }) => ({
    key: expander.word(key, range),
    value: expander.word(value, range),
    range,
  }))
}

function expandArgs(args: readonly Arg[], expander: Expander): readonly Arg[] {
  return args.map(arg => ({
    ...arg,
    key: expander.word(arg.key, arg.range),
    value: arg.value === undefined ? undefined : expander.word(arg.value, arg.range),
  }))
}

function expandSource(source: CopySource, expander: Expander): CopySource {
  if (source.kind === 'path') return { ...source, path: expander.word(source.path, source.range) }
  const { heredoc, range } = source
  if (!heredoc.expand) return source
  return { ...source, heredoc: { ...heredoc, content: expander.heredoc(heredoc.content, range) } }
}

function expandCopyBase<T extends CopyBase>(copy: T, expander: Expander): T {
  const order = copy.order.map(source => expandSource(source, expander))
  return {
    ...copy,
    order,
    sources: order.filter(source => source.kind === 'path').map(({ path }) => path),
    inline: order.filter(source => source.kind === 'inline').map(({ heredoc }) => heredoc),
    destination: expander.word(copy.destination, copy.destinationRange),
    chown: expander.optional(copy.chown),
    chmod: expander.optional(copy.chmod),
  }
}

function expandCopy(copy: CopyInstruction, expander: Expander): CopyInstruction {
  expander.located(copy.fromRange, () => rejectVariableFrom(copy))
  return expandCopyBase(copy, expander)
}

function expandAdd(add: AddInstruction, expander: Expander): AddInstruction {
  return { ...expandCopyBase(add, expander), checksum: expander.optional(add.checksum) }
}

/** Which stage or image a COPY reads must be known before anything runs. */
export function rejectVariableFrom(copy: CopyInstruction): void {
  if (copy.from === undefined || !/\$./.test(copy.from)) return
  const way = 'define a new stage with FROM using ARG from global scope as a workaround'
  throw new Failure('DOCKERFILE_FLAG', `variable expansion is not supported for --from, ${way}`, copy.fromRange)
}

function expandFrom(from: FromInstruction, expander: Expander): FromInstruction {
  const image = expander.word(from.image, from.imageRange)
  if (image === '') {
    expander.located(from.imageRange, () => {
      const hint = 'give the ARG that it comes from a default, before the first FROM, or pass --build-arg'
      throw new Failure('DOCKERFILE_SYNTAX', `base name (${from.image}) should not be blank`, from.imageRange, hint)
    })
  }
  return { ...from, image, platform: expander.optional(from.platform) || undefined }
}

function expandMount(mount: MountSpec, expander: Expander): MountSpec {
  const options = mount.options.map(option =>
    option.value === undefined ? option : { ...option, value: expander.word(option.value, option.range) },
  )
  return { ...mount, options }
}

function expand(instruction: Instruction, expander: Expander): Instruction {
  switch (instruction.kind) {
    case 'from':
      return expandFrom(instruction, expander)
    case 'copy':
      return expandCopy(instruction, expander)
    case 'add':
      return expandAdd(instruction, expander)
    case 'env':
    case 'label':
      return { ...instruction, pairs: expandPairs(instruction.pairs, expander) }
    case 'arg':
      return { ...instruction, args: expandArgs(instruction.args, expander) }
    case 'workdir':
      return { ...instruction, path: expander.word(instruction.path) }
    case 'user':
      return { ...instruction, user: expander.word(instruction.user) }
    case 'stopsignal':
      return { ...instruction, signal: expander.word(instruction.signal) }
    case 'volume':
      return { ...instruction, paths: instruction.paths.map(path => expander.word(path)) }
    case 'expose':
      return { ...instruction, ports: instruction.ports.flatMap(port => expander.words(port)) }
    case 'run':
      return { ...instruction, mounts: instruction.mounts.map(mount => expandMount(mount, expander)) }
    case 'cmd':
    case 'entrypoint':
    case 'healthcheck':
    case 'shell':
    case 'onbuild':
    case 'maintainer':
      return instruction
    default:
      return instruction satisfies never
  }
}

/**
 * The instruction with variables replaced and quotes removed in the words that its kind expands: FROM's image and
 * platform, keys and values of ENV, LABEL and ARG, sources, destination, `--chown`, `--chmod`, `--checksum` and unquoted
 * here-documents of COPY and ADD, the paths of WORKDIR and VOLUME, USER, STOPSIGNAL, EXPOSE (which may become several
 * words) and the option values of RUN's mounts. The commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK, `--from` and
 * `--exclude` stay as written. Every word sees the same `lookup`: `ENV a=1 b=$a` gives `b` the earlier `a`; for ARG,
 * whose defaults must not be looked at when a value is given, expand each with {@link expandArg}.
 *
 * `escapeChar` is the Dockerfile's; errors point into `source`, for which a `Dockerfile` will do.
 */
export function expandInstruction<T extends Instruction>(
  instruction: T,
  lookup: Lookup,
  escapeChar?: string,
  source?: SourceFile,
): T
export function expandInstruction(
  instruction: Instruction,
  lookup: Lookup,
  escapeChar = '\\',
  source?: SourceFile,
): Instruction {
  return expand(instruction, new Expander(lookup, { escape: escapeChar }, source, instruction.range))
}

/** One argument of an ARG instruction, expanded. */
export function expandArg(arg: Arg, lookup: Lookup, escapeChar = '\\', source?: SourceFile): Arg {
  return expandArgs([arg], new Expander(lookup, { escape: escapeChar }, source, arg.range))[0]!
}
