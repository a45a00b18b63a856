import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cacheName, parseCacheFrom, parseCacheTo } from './spec.ts'

const FROM = [
  ['user/app:cache', 'docker.io/user/app:cache'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['type=registry,ref=user/app:cache', 'docker.io/user/app:cache'],
  ['ref=user/app,type=registry', 'docker.io/user/app:latest'],
  ['"type=registry","ref=user/app:cache"', 'docker.io/user/app:cache'],
  ['type=local,src=/a/b', '/a/b:latest'],
  ['type=local,src=a,tag=main', 'a:main'],
  [`type=local,src=a,digest=sha256:${'0'.repeat(64)}`, `a:sha256:${'0'.repeat(64)}`],
] as const

for (const [text, name] of FROM) {
  test(`--cache-from ${text} is ${name}`, () => {
    assert.equal(cacheName(parseCacheFrom(text)), name)
  })
}

const DEFAULTS = { mode: 'min', compression: undefined, compressionLevel: undefined, ignoreError: false }

const TO = [
  ['user/app:cache', {}],
  ['type=registry,ref=user/app', {}],
  ['type=registry,ref=a,mode=max', { mode: 'max' }],
  ['type=registry,ref=a,compression=gzip,compression-level=9', { compression: 'gzip', compressionLevel: 9 }],
  ['type=registry,ref=a,compression=uncompressed', { compression: 'none' }],
  ['type=registry,ref=a,ignore-error=true', { ignoreError: true }],
  ['type=registry,ref=a,oci-mediatypes=true,image-manifest=1,force-compression=true', {}],
  ['type=local,dest=cache,mode=max', { mode: 'max' }],
] as const

for (const [text, expected] of TO) {
  test(`--cache-to ${text} is read`, () => {
    const { place: _, ...found } = parseCacheTo(text)
    assert.deepEqual(found, { ...DEFAULTS, ...expected })
  })
}

const REFUSED = [
  ['type=inline', 'CACHE_TYPE_UNSUPPORTED', /type=inline is not supported/],
  ['type=gha', 'CACHE_TYPE_UNSUPPORTED', /type=gha is not supported/],
  ['type=s3,bucket=b', 'CACHE_TYPE_UNSUPPORTED', /type=s3 is not supported/],
  ['type=azblob,name=b', 'CACHE_TYPE_UNSUPPORTED', /type=azblob is not supported/],
  ['type=registri,ref=a', 'INVALID_CACHE', /there is no type "registri", did you mean registry\?/],
  ['type=registry', 'INVALID_CACHE', /ref is missing/],
  ['type=registry,ref=', 'INVALID_CACHE', /ref is missing/],
  ['type=local', 'INVALID_CACHE', /dest is missing/],
  ['ref=user/app', 'INVALID_CACHE', /it needs a type/],
  ['type=registry,ref=a,mode=most', 'INVALID_CACHE', /mode is one of min, max/],
  ['type=registry,ref=a,mod=max', 'INVALID_CACHE', /there is no "mod" in it, did you mean mode\?/],
  ['type=registry,ref=a,compression=xz', 'INVALID_CACHE', /compression is one of/],
  ['type=registry,ref=a,compression-level=20', 'INVALID_CACHE', /compression-level is a number from 1 to 19/],
  ['type=registry,ref=a,compression=gzip,compression-level=10', 'INVALID_CACHE', /from 1 to 9/],
  ['type=registry,ref=a,ignore-error=perhaps', 'INVALID_CACHE', /ignore-error is true or false/],
  ['type=registry,ref=a,image-manifest=false', 'INVALID_CACHE', /image-manifest cannot be false/],
  ['type=registry,ref=a,"mode=max', 'INVALID_CACHE', /its quotes do not match/],
  ['type=registry,max', 'INVALID_CACHE', /"max" is not NAME=VALUE/],
  ['user/app:a b', 'INVALID_REFERENCE', /invalid reference/],
] as const

for (const [text, code, message] of REFUSED) {
  test(`--cache-to ${text} is refused`, () => {
    assert.throws(() => parseCacheTo(text), { code, message })
  })
}
