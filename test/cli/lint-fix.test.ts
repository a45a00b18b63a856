import assert from 'node:assert/strict'
import { chmod, readFile, stat, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { busyboxRootfs } from '../support/busybox.ts'
import { fixtureTree } from '../support/fixture.ts'
import { shale, tmp } from '../support/shale.ts'

/** Everything that can be made right, in one file. The package managers write down how they were called. */
const ODD = `FROM base:1 as one
MAINTAINER Ann <ann@example.com>
ENV GREETING hello there
# kept
RUN apt update && \\
    # kept, too
    apt install curl=1
RUN apk add x=1
WORKDIR /app
RUN pip install x==1
WORKDIR /app
RUN yum install x-1
WORKDIR /app
RUN dnf install x-1
WORKDIR /app
RUN zypper install x=1
WORKDIR /app
RUN yarn install
WORKDIR /app
RUN echo one > /one
RUN echo two > /two
ADD first /app/
COPY first second /data
CMD cat /calls
`

const GOOD = `FROM base:1 AS one
LABEL org.opencontainers.image.authors="Ann <ann@example.com>"
ENV GREETING="hello there"
# kept
RUN apt-get update && \\
    # kept, too
    apt-get install --no-install-recommends -y curl=1 && \\
    rm -rf /var/lib/apt/lists/*
RUN apk add --no-cache x=1
WORKDIR /app
RUN pip install --no-cache-dir x==1
WORKDIR /app
RUN yum install -y x-1 && yum clean all
WORKDIR /app
RUN dnf install -y x-1 && dnf clean all
WORKDIR /app
RUN zypper install -y x=1 && zypper clean
WORKDIR /app
RUN yarn install && yarn cache clean
WORKDIR /app
RUN echo one > /one \\
    && echo two > /two
COPY first /app/
COPY first second /data/
CMD ["cat", "/calls"]
`

const CALLS = `apt-get update
apt-get install --no-install-recommends -y curl=1
apk add --no-cache x=1
pip install --no-cache-dir x==1
yum install -y x-1
yum clean all
dnf install -y x-1
dnf clean all
zypper install -y x=1
zypper clean
yarn install
yarn cache clean
`

const PROGRAMS = ['apt', 'apt-get', 'apk', 'pip', 'yum', 'dnf', 'zypper', 'yarn']

test('lint --fix makes right what can be, and what it makes builds and runs', async t => {
  const stub = '#!/bin/sh\necho "${0##*/} $*" >> /calls\n'
  const folder = await fixtureTree(await tmp(t), {
    Dockerfile: ODD,
    first: '1',
    second: '2',
    ...Object.fromEntries(PROGRAMS.map(name => [`bin/${name}`, stub])),
  })
  for (const name of PROGRAMS) await chmod(join(folder, 'bin', name), 0o755)
  const call = await shale(t, { cwd: folder, env: { HOME: folder } })
  const ok = async (args: readonly string[], options = {}) => {
    const result = await call(args, options)
    assert.equal(result.code, 0, result.stdout + result.stderr)
    return result.stdout
  }
  await ok(['build', '-q', '-t', 'box:1', '-f', '-', await busyboxRootfs()], { input: 'FROM scratch\nCOPY . /\n' })
  await ok(['build', '-q', '-t', 'base:1', '-f', '-', '.'], { input: 'FROM box:1\nCOPY bin /bin\n' })
  const fixed = await call(['lint', '--shellcheck=false', '--fix'])
  assert.equal(await readFile(join(folder, 'Dockerfile'), 'utf8'), GOOD)
  assert.deepEqual([fixed.code, fixed.stdout, fixed.stderr], [0, '', ''])
  await ok(['build', '-q', '-t', 'app', '.'])
  assert.equal(await ok(['run', '--rm', 'app']), CALLS)
  assert.equal(
    await ok(['run', '--rm', 'app', 'sh', '-c', 'cat /one /two /app/first /data/second; echo $GREETING']),
    'one\ntwo\n12hello there\n',
  )
  assert.equal((await call(['lint', '--diff'])).code, 0, 'nothing is left')
})

test('lint --diff shows what --fix would change and changes nothing', async t => {
  const folder = await fixtureTree(await tmp(t), { Dockerfile: 'FROM a:1\nRUN b\nRUN apk add c=1\nCMD d' })
  const call = await shale(t, { cwd: folder, env: { HOME: folder } })
  const diff = `--- a/Dockerfile
+++ b/Dockerfile
@@ -1,4 +1,4 @@
 FROM a:1
-RUN b
-RUN apk add c=1
-CMD d
\\ No newline at end of file
+RUN b \\
+    && apk add --no-cache c=1
+CMD ["d"]
\\ No newline at end of file
`
  const { code, stdout } = await call(['lint', '--diff', '--shellcheck=false'])
  assert.deepEqual([code, stdout], [1, diff])
  const piped = await call(['lint', '--diff', '--file-path-in-report', 'x/Dockerfile', '-'], {
    input: 'FROM a:1\nCMD d\n',
  })
  assert.match(piped.stdout, /^--- a\/x\/Dockerfile\n\+\+\+ b\/x\/Dockerfile\n@@ -1,2 \+1,2 @@\n/)
  const refused = await call(['lint', '--fix', '-'], { input: 'FROM a:1\n' })
  assert.deepEqual([refused.code, refused.stderr.split('\n')[0]], [2, 'ERROR: --fix needs a file to change'])
})

test('lint --fix keeps the mode of a file and the link to it', async t => {
  const folder = await fixtureTree(await tmp(t), { 'real/Dockerfile': 'FROM a:1\nCMD b\n' })
  await chmod(join(folder, 'real/Dockerfile'), 0o640)
  await symlink('real/Dockerfile', join(folder, 'Dockerfile'))
  const call = await shale(t, { cwd: folder, env: { HOME: folder } })
  assert.equal((await call(['lint', '--fix'])).code, 0)
  assert.equal(await readFile(join(folder, 'real/Dockerfile'), 'utf8'), 'FROM a:1\nCMD ["b"]\n')
  assert.equal((await stat(join(folder, 'real/Dockerfile'))).mode & 0o777, 0o640)
})
