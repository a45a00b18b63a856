import type { Handle } from './call.ts'
import { deleteBlob, readBlob } from './handlers/blobs.ts'
import { listReferrers, listRepositories, listTags, tagHistory } from './handlers/lists.ts'
import { readManifest } from './handlers/manifest-read.ts'
import { deleteManifest, putManifest } from './handlers/manifest-write.ts'
import { beginUpload, cancelUpload, finishUpload, patchUpload, readUpload } from './handlers/uploads.ts'
import { json } from './http/message.ts'
import type { Action } from './registry.ts'

/** `any`: every user that the registry lets in at all. */
export interface Operation {
  readonly action: Action | 'any'
  readonly handle: Handle
}

export interface Route {
  /** As metrics and logs call it. */
  readonly name: string
  /** The repository's name and what follows it are its groups, where there are such. */
  readonly path: RegExp
  readonly methods: Readonly<Record<string, Operation>>
}

const pull = (handle: Handle): Operation => ({ action: 'pull', handle })
const push = (handle: Handle): Operation => ({ action: 'push', handle })
const remove = (handle: Handle): Operation => ({ action: 'delete', handle })

/** How clients of old knew what they talk to. */
const VERSION = { 'Docker-Distribution-Api-Version': 'registry/2.0' }

/**
 * What is served. A repository's name may itself have parts like `blobs`, so that each path is read from its end.
 * Source: distribution-spec 1.1, "Endpoints"; what is asked for most comes first.
 */
export const ROUTES: readonly Route[] = [
  {
    name: 'manifest',
    path: /^\/v2\/(.+)\/manifests\/([^/]+)$/,
    methods: {
      GET: pull(readManifest),
      HEAD: pull(readManifest),
      PUT: push(putManifest),
      DELETE: remove(deleteManifest),
    },
  },
  {
    name: 'upload',
    path: /^\/v2\/(.+)\/blobs\/uploads\/([^/]+)$/,
    methods: {
      GET: push(readUpload),
      PATCH: push(patchUpload),
      PUT: push(finishUpload),
      DELETE: push(cancelUpload),
    },
  },
  {
    name: 'uploads',
    path: /^\/v2\/(.+)\/blobs\/uploads\/?$/,
    methods: { POST: push(beginUpload) },
  },
  {
    name: 'blob',
    path: /^\/v2\/(.+)\/blobs\/([^/]+)$/,
    methods: { GET: pull(readBlob), HEAD: pull(readBlob), DELETE: remove(deleteBlob) },
  },
  { name: 'tags', path: /^\/v2\/(.+)\/tags\/list$/, methods: { GET: pull(listTags), HEAD: pull(listTags) } },
  { name: 'referrers', path: /^\/v2\/(.+)\/referrers\/([^/]+)$/, methods: { GET: pull(listReferrers) } },
  { name: 'history', path: /^\/v2\/(.+)\/_shale\/tags\/([^/]+)$/, methods: { GET: pull(tagHistory) } },
  { name: 'catalog', path: /^\/v2\/_catalog$/, methods: { GET: { action: 'any', handle: listRepositories } } },
  {
    name: 'base',
    path: /^\/v2\/?$/,
    methods: {
      GET: { action: 'any', handle: async () => json(200, {}, VERSION) },
      HEAD: { action: 'any', handle: async () => json(200, {}, VERSION) },
    },
  },
]
