import { shortDigest } from '../oci/digest.ts'
import type { DetailedUsage } from '../store/disk-usage.ts'
import { humanSize } from './format/size.ts'
import { record, type Value } from './format/template/value.ts'
import { goTime, timeAgo } from './format/time.ts'
import { imageRow, namedImages } from './image-rows.ts'

/** `system df -v` for a Go template: docker's four lists, every field as text. Sizes are those on the disk. */
export function diskUsageFields(
  { images, records }: DetailedUsage,
  { containers, volumes }: { readonly containers: readonly object[]; readonly volumes: readonly object[] },
  now: number,
): Value {
  return record('*formatter.diskUsageContext', {
    Images: images.flatMap(({ image, size, shared, unique }) =>
      namedImages(image).map(named => ({
        ...imageRow(named, { noTrunc: false, now }),
        Size: humanSize(size),
        SharedSize: humanSize(shared),
        UniqueSize: humanSize(unique),
      })),
    ),
    Containers: containers as Value[],
    Volumes: volumes as Value[],
    BuildCache: records.map(({ record: step, size, shared, reclaimable }) => ({
      CacheType: step.kind,
      CreatedAt: goTime(step.createdAt),
      CreatedSince: timeAgo(step.createdAt, now),
      Description: step.title,
      ID: shortDigest(step.key),
      InUse: String(!reclaimable),
      LastUsedAt: goTime(step.lastUsedAt),
      LastUsedSince: timeAgo(step.lastUsedAt, now),
      Parent: '',
      Shared: String(shared),
      Size: humanSize(size),
      UsageCount: String(step.uses),
    })),
  })
}
