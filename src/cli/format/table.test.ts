import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderTable } from './table.ts'

test('columns are 10 wide at least, 3 apart, the last one as it is', () => {
  const table = renderTable([
    ['REPOSITORY', 'TAG', 'SIZE'],
    ['myorg/payment-service', '1.0.0', '118MB'],
    ['é', 'x', ''],
  ])
  const expected = [
    'REPOSITORY              TAG       SIZE',
    'myorg/payment-service   1.0.0     118MB',
    'é                       x         ',
    '',
  ]
  assert.equal(table, expected.join('\n'))
})
