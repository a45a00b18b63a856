import { nextChainId } from '../key.ts'
import type { LayerResult } from '../keyed-step.ts'
import type { ChainLayer, StageState } from '../stage-state.ts'

/** The state with a step's layer on top and a line of history for it. */
export function extend(
  state: StageState,
  result: LayerResult,
  times: ChainLayer['times'],
  step: { readonly title: string; readonly createdBy: string; readonly ran: boolean },
): StageState {
  const { record, key } = result
  const created = new Date(result.createdAt).toISOString()
  const line = { created, created_by: step.createdBy, ...(record === undefined && { empty_layer: true }) }
  const history = [...state.history, line]
  if (record === undefined) return { ...state, history }
  return {
    ...state,
    history,
    layers: [...state.layers, { record, imported: false, times, key }],
    chainId: nextChainId(state.chainId, record.contentId),
    lastChange: { title: step.title, ran: step.ran },
  }
}
