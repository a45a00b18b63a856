import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PACKAGE_FILES, type PackageFacts } from './package-files.ts'

const POM = `<?xml version="1.0"?>
<!-- <version>9</version> -->
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent><groupId>g</groupId><artifactId>parent</artifactId><version>3.0</version></parent>
  <artifactId>payment-service</artifactId>
  <version>1.0.0</version>
  <packaging/>
  <dependencies><dependency><version>7</version></dependency></dependencies>
</project>`

const CARGO = `[workspace]
members = ["a"]
[package] # ours
name = "tool"
version = "0.3.1"   # current
edition = "2021"
[dependencies]
serde = { version = "9" }
`

const CASES: readonly (readonly [file: string, text: string, facts: PackageFacts])[] = [
  ['package.json', '{"name":"@myorg/app","version":"1.2.3"}', { name: 'myorg/app', version: '1.2.3' }],
  ['package.json', '{"private":true}', {}],
  ['pom.xml', POM, { name: 'payment-service', version: '1.0.0' }],
  ['pom.xml', POM.replace('\n  <version>1.0.0</version>', ''), { name: 'payment-service', version: '3.0' }],
  [
    'pom.xml',
    '<project><artifactId>a</artifactId><version>${revision}${changelist}</version>' +
      '<properties><revision>2.0</revision><changelist>-SNAPSHOT</changelist></properties></project>',
    { name: 'a', version: '2.0-SNAPSHOT' },
  ],
  ['pom.xml', '<project><version>${elsewhere}</version></project>', {}],
  ['pom.xml', '<project><version>${project.version}</version></project>', {}],
  ['Cargo.toml', CARGO, { name: 'tool', version: '0.3.1' }],
  [
    'Cargo.toml',
    '[package]\nname = "a"\nversion.workspace = true\n[workspace.package]\nversion = "4.0.0"\n',
    { name: 'a', version: '4.0.0' },
  ],
  ['pyproject.toml', "[project]\nname = 'svc'\nversion = '0.1'\n", { name: 'svc', version: '0.1' }],
  ['pyproject.toml', '[tool.poetry]\nname = "p"\nversion = "5"\n', { name: 'p', version: '5' }],
  ['pyproject.toml', '[project]\nname = "p"\ndynamic = ["version"]\n', { name: 'p' }],
  ['pyproject.toml', '[project]\ndescription = """\nversion = "9"\n"""\nversion = "1"\n', { version: '1' }],
  ['VERSION', '2.4.0\n', { version: '2.4.0' }],
  ['VERSION', '\n', {}],
]

for (const [file, text, facts] of CASES) {
  test(`${file}: ${text.slice(0, 60).replaceAll('\n', ' ')} gives ${JSON.stringify(facts)}`, () => {
    const { name, version } = PACKAGE_FILES.find(each => each.file === file)?.read(text) ?? assert.fail(file)
    assert.deepEqual({ name, version }, { name: undefined, version: undefined, ...facts })
  })
}

test('a package.json that cannot be read is an error', () => {
  const { read } = PACKAGE_FILES[0] ?? assert.fail('package.json')
  assert.throws(() => read('{"version": 1'), {
    code: 'INVALID_PACKAGE_FILE',
    message: /^package.json is not valid JSON/,
  })
  assert.throws(() => read('{"version": 1}'), {
    code: 'INVALID_PACKAGE_FILE',
    message: /^package.json: version is not/,
  })
})

test('a pom.xml that nests without end is refused at once', () => {
  const { read } = PACKAGE_FILES[1] ?? assert.fail('pom.xml')
  assert.throws(() => read('<a>'.repeat(100_000)), { code: 'INVALID_PACKAGE_FILE' })
})
