import type { LabelKind } from '../lint/config.ts'
import type { LintRule } from '../lint/lint-rule.ts'
import type { LintStage, LintStep } from '../lint/subject.ts'
import { isVariable, unquoted } from '../lint/variables.ts'
import { hasHeir } from './config.ts'
import { SPDX_LICENSES } from './spdx.ts'

interface Label {
  readonly key: string
  /** Undefined when it is only known when the image is built. */
  readonly value: string | undefined
  readonly step: LintStep
}

function* labelsOf(steps: readonly LintStep[]): Iterable<Label> {
  for (const step of steps) {
    if (step.instruction.kind !== 'label') continue
    for (const { key, value } of step.instruction.pairs) {
      const text = step.variables.expand(unquoted(value))
      yield { key: unquoted(key), value: isVariable(text) ? undefined : text, step }
    }
  }
}

const RESERVED = ['com.docker.', 'io.docker.', 'org.dockerproject.']

export const dl3048: LintRule = {
  name: 'DL3048',
  severity: 'style',
  description: 'Name labels in lower case, with single dots and dashes, not in a reserved name space.',
  *check({ steps }) {
    for (const { key, step } of labelsOf(steps)) {
      const reserved = RESERVED.find(prefix => key.startsWith(prefix))
      const isValid = /^[a-z](?:[a-z0-9]|[.-](?=[a-z0-9]))*$/.test(key)
      const label = JSON.stringify(key)
      const why =
        reserved === undefined
          ? isValid
            ? undefined
            : wrongKey(label)
          : `${label} is in ${reserved}*, which is Docker's own`
      if (why !== undefined) yield { range: step.outer.range, detail: why }
    }
  },
}

function wrongKey(label: string): string {
  return `the label ${label} is to have lower case letters, digits, single dots and dashes only`
}

export const dl3049: LintRule = {
  name: 'DL3049',
  severity: 'info',
  description: 'Set every label that the label schema asks for.',
  *check({ stages, config: { labelSchema } }) {
    for (const wanted of labelSchema.keys()) {
      const has = new Set<LintStage>()
      for (const stage of stages) {
        const own = [...labelsOf(stage.steps)].some(({ key }) => key === wanted)
        if (own || (stage.parent !== undefined && has.has(stage.parent))) has.add(stage)
      }
      for (const stage of stages) {
        if (stage.from === undefined || has.has(stage) || hasHeir(stages, stage, has)) continue
        yield { range: stage.from.range, detail: `the label ${JSON.stringify(wanted)} is missing` }
      }
    }
  },
}

export const dl3050: LintRule = {
  name: 'DL3050',
  severity: 'info',
  description: 'With strict labels set none that the label schema does not have.',
  *check({ steps, config: { labelSchema, strictLabels } }) {
    if (!strictLabels) return
    for (const { key, step } of labelsOf(steps)) {
      if (!labelSchema.has(key))
        yield { range: step.outer.range, detail: `the label schema has no label ${JSON.stringify(key)}` }
    }
  },
}

export const dl3051: LintRule = {
  name: 'DL3051',
  severity: 'warning',
  description: 'Give a label of the label schema a value.',
  *check({ steps, config: { labelSchema } }) {
    for (const { key, value, step } of labelsOf(steps)) {
      if (labelSchema.has(key) && value === '')
        yield { range: step.outer.range, detail: `the label ${JSON.stringify(key)} is empty` }
    }
  },
}

function kindRule(name: string, kind: LabelKind, words: string, isValid: (value: string) => boolean): LintRule {
  return {
    name,
    severity: 'warning',
    description: `Give a label that the schema says is ${kind} ${words} as its value.`,
    *check({ steps, config: { labelSchema } }) {
      for (const { key, value, step } of labelsOf(steps)) {
        if (labelSchema.get(key) !== kind || value === undefined || isValid(value)) continue
        yield {
          range: step.outer.range,
          detail: `the label ${JSON.stringify(key)} is to be ${words}, not ${JSON.stringify(value)}`,
        }
      }
    },
  }
}

export const dl3052 = kindRule(
  'DL3052',
  'url',
  'a URL',
  value => /^[a-z][a-z0-9+.-]*:\/\/\S/i.test(value) && URL.canParse(value),
)
const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/
export const dl3053 = kindRule('DL3053', 'rfc3339', 'a time as in RFC 3339', value => {
  return RFC3339.test(value) && !Number.isNaN(Date.parse(value.replace(' ', 'T')))
})
export const dl3054 = kindRule('DL3054', 'spdx', 'an SPDX licence identifier', value => {
  return value.split(/[()\s]+(?:AND|OR|WITH)[()\s]+/).every(one => SPDX_LICENSES.has(one.replace(/^\(|\)$|\+$/g, '')))
})
export const dl3055 = kindRule('DL3055', 'hash', 'a git commit', value =>
  /^(?:[0-9a-f]{7}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(value),
)
const NUMBER = '(?:0|[1-9]\\d*)'
const SEMVER = new RegExp(`^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-[0-9A-Za-z.-]+)?(?:\\+[0-9A-Za-z.-]+)?$`)
export const dl3056 = kindRule('DL3056', 'semver', 'a semantic version', value => SEMVER.test(value))
export const dl3058 = kindRule('DL3058', 'email', 'an e-mail address', value =>
  /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/.test(value),
)
