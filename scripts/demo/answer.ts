import { get } from 'node:http'

/** Asks until somebody answers; fails after `seconds`. Gives status and body. */
export async function answerOf(url: string, seconds: number): Promise<{ status: number; body: string }> {
  const until = Date.now() + seconds * 1000
  for (;;) {
    try {
      return await ask(url)
    } catch (error) {
      if (Date.now() > until) throw new Error(`${url} did not answer within ${seconds} s: ${(error as Error).message}`)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}

function ask(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', data => (body += data))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
    }).on('error', reject)
  })
}
