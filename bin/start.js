'use strict'

const { existsSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')
const { enableCompileCache } = require('node:module')
const { pathToFileURL } = require('node:url')

// Compiled code is kept in a folder of the user's own: Node's default is below the folder for temporary files, where
// anybody could have put code for us to run.
const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
enableCompileCache(join(caches, 'shale', 'compiled'))

// Node tells developers which of its parts may still change; that is nothing to the user of a program.
process.removeAllListeners('warning')
process.on('warning', warning => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`shale: ${warning.name}: ${warning.message}\n`)
})

// The checkout runs its source; the published package has only the bundle.
const source = join(__dirname, '..', 'src', 'cli', 'main.ts')
const program = existsSync(source)
  ? import(pathToFileURL(source).href)
  : Promise.resolve(require(join(__dirname, '..', 'dist', 'cli.cjs')))

program.then(({ runProgram }) => runProgram(process.argv.slice(2)))
