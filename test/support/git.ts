import { run } from '../../scripts/bases/process.ts'

/** Runs git in a folder as somebody, without the machine's settings; gives what it printed. */
export async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const who = { GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.com' }
  const { code, stdout, stderr } = await run('git', ['-C', folder, ...args], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      GIT_CONFIG_NOSYSTEM: '1',
      ...who,
      GIT_COMMITTER_NAME: 'Ann',
      GIT_COMMITTER_EMAIL: 'ann@example.com',
    },
  })
  if (code !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

/** A repository on branch `main` with everything in the folder committed; gives the commit. */
export async function committed(folder: string): Promise<string> {
  await git(folder, 'init', '-q', '-b', 'main')
  return await commitAll(folder)
}

export async function commitAll(folder: string): Promise<string> {
  await git(folder, 'add', '-A')
  await git(folder, 'commit', '-q', '-m', 'a commit')
  return await git(folder, 'rev-parse', 'HEAD')
}
