'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { enableCompileCache } = require('node:module')
const { pathToFileURL } = require('node:url')

enableCompileCache()

// Node tells developers which of its parts may still change; that is nothing to the user of a program.
process.removeAllListeners('warning')
process.on('warning', warning => {
  if (warning.name !== 'ExperimentalWarning') process.stderr.write(`shale: ${warning.name}: ${warning.message}\n`)
})

// The checkout runs its source; the published package has only the bundle.
const source = join(__dirname, '..', 'src', 'cli', 'main.ts')
const entry = existsSync(source) ? source : join(__dirname, '..', 'dist', 'cli.js')

import(pathToFileURL(entry).href).then(({ runProgram }) => runProgram(process.argv.slice(2)))
