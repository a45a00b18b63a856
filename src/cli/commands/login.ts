import { ShaleError } from '../../error.ts'
import { type Credential, type CredentialKeeper, dockerCredentials } from '../../registry/client/credentials.ts'
import { verifyLogin } from '../../registry/client/login.ts'
import { type Context, command } from '../command.ts'
import { boolean, text } from '../flag.ts'
import { askLine, readStdinSecret } from '../read-secret.ts'
import { withRegistryClient } from '../registry-client.ts'
import { registryName } from '../registry-name.ts'

const flags = {
  password: text('Password; better given with --password-stdin, for others can read command lines', { short: 'p' }),
  passwordStdin: boolean('Take the password from the standard input'),
  username: text('User name', { short: 'u' }),
}

interface Given {
  readonly username: string | undefined
  readonly password: string | undefined
}

export default command({
  usage: '[OPTIONS] [SERVER]',
  about:
    'Log in to a registry; without SERVER to Docker Hub. The login is kept where docker keeps it (DOCKER_CONFIG, ' +
    '~/.docker/config.json, its credential helpers), so that both programs know it.',
  examples: [
    ['login registry.example.com', 'asks for user name and password'],
    ['login -u ann --password-stdin registry.example.com < token.txt', 'for scripts'],
  ],
  args: { min: 0, max: 1 },
  flags,
  async run(context, { args, flags }) {
    const registry = registryName(args[0] ?? '')
    const given = await givenLogin(context, flags)
    const keeper = dockerCredentials(context.env)
    return await withRegistryClient(context, async client => {
      const verify = (credential: Credential) => verifyLogin(client, registry, credential, context.signal)
      if (
        given.username === undefined &&
        given.password === undefined &&
        (await stillValid(context, keeper, registry, verify))
      )
        return 0
      const credential = await verify(await complete(context, registry, given, await knownName(keeper, registry)))
      const kept = await keeper.store(registry, credential)
      if (kept.kind === 'file' && credential.kind === 'password') {
        context.err.write(
          `WARNING! Your password will be stored unencrypted in ${kept.path}.\n` +
            'Configure a credential helper to remove this warning. See\n' +
            'https://docs.docker.com/go/credential-store/\n\n',
        )
      }
      context.out.write('Login Succeeded\n')
      return 0
    })
  },
})

interface LoginFlags {
  readonly username: string | undefined
  readonly password: string | undefined
  readonly passwordStdin: boolean
}

async function givenLogin(context: Context, flags: LoginFlags): Promise<Given> {
  const { username, password, passwordStdin } = flags
  if (password !== undefined) {
    context.err.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
    if (passwordStdin) throw usage('--password and --password-stdin are mutually exclusive')
  }
  if (!passwordStdin) return { username, password }
  if (username === undefined) throw usage('Must provide --username with --password-stdin')
  return { username, password: await readStdinSecret() }
}

/** docker's first try: what is stored may still do. */
async function stillValid(
  context: Context,
  keeper: CredentialKeeper,
  registry: string,
  verify: (credential: Credential) => Promise<Credential>,
): Promise<boolean> {
  const known = await keeper.get(registry)
  if (known === undefined) return false
  context.out.write('Authenticating with existing credentials...\n')
  try {
    await verify(known)
    context.out.write('Login Succeeded\n')
    return true
  } catch (error) {
    if (!(error instanceof ShaleError) || error.code !== 'LOGIN_FAILED') throw error
    context.err.write(`Login did not succeed, error: ${error.message}\n`)
    return false
  }
}

async function knownName(keeper: CredentialKeeper, registry: string): Promise<string | undefined> {
  return (await keeper.get(registry))?.username
}

/** Asks on the terminal for what was not given. */
async function complete(
  context: Context,
  registry: string,
  { username, password }: Given,
  known: string | undefined,
): Promise<Credential> {
  if ((username === undefined || password === undefined) && !(process.stdin.isTTY && context.out.isTerminal)) {
    throw new ShaleError('NO_TERMINAL', 'Cannot perform an interactive login from a non TTY device', {
      hint: 'give the user name with -u and the password with --password-stdin',
    })
  }
  if (registry === 'docker.io' && username === undefined) {
    context.out.write('Login with your Docker ID to push and pull images from Docker Hub.\n')
  }
  const suggestion = known === undefined ? '' : ` (${known})`
  const name = username ?? ((await askLine(context, `Username${suggestion}: `, false)).trim() || known || '')
  if (name === '') throw usage('username is required')
  const secret = password ?? (await askLine(context, 'Password: ', true))
  if (secret === '') throw usage('password is required')
  return { kind: 'password', username: name, password: secret }
}

function usage(message: string): ShaleError {
  return new ShaleError('LOGIN_USAGE', message, { hint: "see 'shale login --help'" })
}
