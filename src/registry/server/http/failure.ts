import { isErrno, ShaleError } from '../../../error.ts'
import { type RegistryResponse, refusal } from './message.ts'
import { CLIENT_TOO_SLOW } from './pace.ts'

/** What a client is told of an error that no handler expected; what it does not know of stays in the log. */
export function failureResponse(error: unknown): RegistryResponse {
  const code = error instanceof ShaleError ? error.code : undefined
  if (code === 'DISK_FULL' || isErrno(error, 'ENOSPC', 'EDQUOT')) {
    return refusal(507, { code: 'UNKNOWN', message: 'the registry has no space left on its disk' })
  }
  if (code === 'UPLOAD_TAKEN_OVER') {
    return refusal(409, { code: 'BLOB_UPLOAD_INVALID', message: 'another request goes on with this upload' })
  }
  if (code === CLIENT_TOO_SLOW) {
    const message = 'the request came too slowly; what has arrived of an upload stays'
    return refusal(408, { code: 'UNKNOWN', message }, { Connection: 'close' })
  }
  return refusal(500, { code: 'UNKNOWN', message: 'the registry failed to answer; its log says why' })
}
