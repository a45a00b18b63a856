// biome-ignore-all lint/style/useTemplate: what an old Node reads should be as plain as can be
// biome-ignore-all lint/style/useNodejsImportProtocol: Node before 14.18 knows no node: names
'use strict'

// Runs Shale with the `node` package's Node when the one that was started is too old. Parsable by any Node.

var fs = require('fs')
var path = require('path')
var spawn = require('child_process').spawn

/** The binary of the npm package `node`, in a node_modules folder here or above; undefined if there is none. */
function bundledNode(from) {
  var file = path.join(from, 'node_modules', 'node', 'bin', 'node')
  if (fs.existsSync(file)) return file
  var above = path.dirname(from)
  return above === from ? undefined : bundledNode(above)
}

function run(node, script) {
  var child = spawn(node, ['--max-semi-space-size=8', '--', script].concat(process.argv.slice(2)), { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both of us; passing it on as well would make it two.
  var ofTerminal = process.stdin.isTTY ? ['SIGINT', 'SIGQUIT'] : []
  ;['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGCONT'].forEach(signal => {
    process.on(signal, () => {
      if (ofTerminal.indexOf(signal) < 0) child.kill(signal)
    })
  })
  child.on('error', error => {
    process.stderr.write('shale: cannot start ' + node + ': ' + error.message + '\n')
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** A checkout has a newer Node among its packages, once they are installed; the published package has no lock file. */
function advice(folder) {
  var checkout = path.dirname(folder)
  if (fs.existsSync(path.join(checkout, 'package-lock.json'))) {
    return 'run npm ci in ' + checkout + ': it installs a newer Node.js there, which shale then uses'
  }
  return 'install a current Node.js, or run npm install node beside shale, which then uses that'
}

module.exports = (oldest, script) => {
  var folder = path.dirname(fs.realpathSync(script))
  var node = bundledNode(folder)
  if (node !== undefined) return run(node, script)
  process.stderr.write(
    'shale: needs Node.js ' +
      oldest +
      ' or newer, but this is ' +
      process.version +
      ' (' +
      process.execPath +
      ')\n' +
      'hint: ' +
      advice(folder) +
      '\n',
  )
  process.exit(1)
}
