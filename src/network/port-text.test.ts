import assert from 'node:assert/strict'
import test from 'node:test'
import type { PublishedPort } from './options.ts'
import { portsText } from './port-text.ts'

const at = (hostPort: number, containerPort: number, protocol: 'tcp' | 'udp' = 'tcp'): PublishedPort => ({
  address: '127.0.0.1',
  hostPort,
  containerPort,
  protocol,
})

test('ports are told as docker ps tells them', () => {
  const cases: readonly (readonly [readonly PublishedPort[], readonly string[], string])[] = [
    [[], [], ''],
    [[], ['80/tcp'], '80/tcp'],
    [[at(8080, 80)], ['80/tcp', '443/tcp'], '127.0.0.1:8080->80/tcp, 443/tcp'],
    [[at(8001, 81), at(8000, 80)], [], '127.0.0.1:8000-8001->80-81/tcp'],
    [[at(8000, 80), at(9001, 81)], [], '127.0.0.1:8000->80/tcp, 127.0.0.1:9001->81/tcp'],
    [[at(53, 53), at(53, 53, 'udp')], [], '127.0.0.1:53->53/tcp, 127.0.0.1:53->53/udp'],
    [[{ ...at(80, 80), address: '::1' }], [], '[::1]:80->80/tcp'],
  ]
  for (const [ports, exposed, text] of cases) assert.equal(portsText(ports, exposed), text)
})
