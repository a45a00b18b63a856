const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24

/** A duration as docker words it: `About an hour`, `3 weeks`. Source: docker/go-units, `HumanDuration`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < MINUTE) return `${seconds} seconds`
  const minutes = Math.trunc(seconds / MINUTE)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.trunc(milliseconds / 1000 / HOUR + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 2 * DAY) return `${hours} hours`
  if (hours < 14 * DAY) return `${Math.trunc(hours / DAY)} days`
  if (hours < 60 * DAY) return `${Math.trunc(hours / DAY / 7)} weeks`
  if (hours < 2 * 365 * DAY) return `${Math.trunc(hours / DAY / 30)} months`
  return `${Math.trunc(milliseconds / 1000 / HOUR / DAY / 365)} years`
}

/** `2 hours ago`; a time that is not known is `N/A`. */
export function timeAgo(then: number | undefined, now: number): string {
  return then === undefined || Number.isNaN(then) ? 'N/A' : `${humanDuration(now - then)} ago`
}

/** A moment as Go prints it, in the local zone: `2024-05-01 12:00:00 +0200 CEST`. */
export function goTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return `${dayOf(date)} ${clockOf(date)} ${offsetOf(date)} ${zoneOf(date)}`
}

/** A moment as history shows it: `2024-05-01T12:00:00+02:00`. */
export function isoLocalTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  const offset = offsetOf(date)
  return `${dayOf(date)}T${clockOf(date)}${offset === '+0000' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3)}`}`
}

const two = (value: number) => String(value).padStart(2, '0')

function dayOf(date: Date): string {
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function clockOf(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

function offsetOf(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const absolute = Math.abs(minutes)
  const digits = Math.trunc(absolute / 60) * 100 + (absolute % 60)
  return `${minutes < 0 ? '-' : '+'}${String(digits).padStart(4, '0')}`
}

let zoneFormat: Intl.DateTimeFormat | undefined

function zoneOf(date: Date): string {
  // Making one takes milliseconds, and there is a row for every image.
  zoneFormat ??= new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
  const parts = zoneFormat.formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
