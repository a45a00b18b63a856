/** `.ci/run` sets it: long tables run whole. Without it `npm test` takes a fixed sample of those that say so. */
export const WHOLE = process.env.SHALE_TEST_WHOLE !== undefined

/** The whole table, or, in a sample, its first row and every `nth` after it. */
export function sample<Row>(table: readonly Row[], nth: number): readonly Row[] {
  return WHOLE ? table : table.filter((_, at) => at % nth === 0)
}
