import type { Digest } from '../oci/digest.ts'
import type { ExecutionConfig, ImageConfig } from '../oci/image-config.ts'
import { familiarReference, parseReference } from '../oci/reference.ts'
import type { ImageSummary, StoredImage, TagRecord } from '../store/types.ts'
import { record } from './format/template/value.ts'
import { repoDigests } from './image-rows.ts'

/**
 * An image as `docker inspect` shows it; fields that Go would leave out can still be asked for in a template. Folders of
 * the machine are not in it: an image is unpacked only while something runs, `GraphDriver.Data` is null as with
 * Docker's containerd store.
 */
export function inspectShape(
  summary: ImageSummary,
  image: StoredImage,
  size: number,
  tags: readonly TagRecord[],
): object {
  const { config, manifest } = image
  const tagged = Math.max(0, ...tags.map(({ at }) => at))
  return record(
    'image.InspectResponse',
    {
      Id: summary.id as Digest,
      RepoTags: summary.names.map(name => familiarReference(parseReference(name))),
      RepoDigests: repoDigests(summary),
      ...given({ Comment: config.history?.at(-1)?.comment }),
      ...given({ Created: config.created }),
      DockerVersion: dockerVersion(config),
      ...given({ Author: config.author }),
      Config: configShape(config.config ?? {}),
      Architecture: config.architecture,
      ...given({ Variant: config.variant }),
      Os: config.os,
      ...given({ OsVersion: config['os.version'] }),
      Size: size,
      GraphDriver: record('storage.DriverData', { Data: null, Name: 'overlayfs' }),
      RootFS: record('image.RootFS', { Type: config.rootfs.type, Layers: config.rootfs.diff_ids }),
      Metadata: record('image.Metadata', {
        LastTagTime: tagged === 0 ? '0001-01-01T00:00:00Z' : new Date(tagged).toISOString(),
      }),
      Descriptor: record('v1.Descriptor', {
        mediaType: summary.mediaType,
        digest: summary.id,
        size: summary.id === image.digest ? image.rawManifest.byteLength : undefined,
      }),
      ...given({ Annotations: manifest.annotations }),
    },
    {
      Parent: '',
      Comment: '',
      Created: '',
      Author: '',
      Variant: '',
      OsVersion: '',
      VirtualSize: size,
      Annotations: {},
    },
  )
}

/** Written by Docker's older builder only; outside the OCI's specification, so that it may be anything. */
function dockerVersion(config: ImageConfig): string {
  const version = (config as { readonly docker_version?: unknown }).docker_version
  return typeof version === 'string' ? version : ''
}

/** Docker's order of the fields. Lists and maps that are absent print as empty ones in a template. */
function configShape(config: ExecutionConfig): object {
  const { User, ExposedPorts, Env, Entrypoint, Cmd, Volumes, WorkingDir, Labels, StopSignal, ArgsEscaped } = config
  const { Healthcheck, OnBuild, Shell } = config
  const texts = { User, WorkingDir, StopSignal }
  const health = Healthcheck && record('v1.HealthcheckConfig', given({ ...Healthcheck }), HEALTH_ABSENT)
  return record(
    'v1.DockerOCIImageConfig',
    given({
      User: texts.User,
      ExposedPorts,
      Env,
      Entrypoint,
      Cmd,
      Volumes,
      WorkingDir,
      Labels,
      StopSignal,
      ArgsEscaped,
      Healthcheck: health,
      OnBuild,
      Shell,
    }),
    {
      User: '',
      ExposedPorts: {},
      Env: [],
      Entrypoint: [],
      Cmd: [],
      Volumes: {},
      WorkingDir: '',
      Labels: {},
      StopSignal: '',
      ArgsEscaped: false,
      Healthcheck: null,
      OnBuild: [],
      Shell: [],
    },
  )
}

const HEALTH_ABSENT = { Test: [], Interval: 0, Timeout: 0, StartPeriod: 0, StartInterval: 0, Retries: 0 }

/** Only what has a value. */
function given(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}
