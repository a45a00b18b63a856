// Renders src/*.md into dist/*.html and copies the style sheet.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { marked } from 'marked'

const page = body => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Orders</title>
<link rel="stylesheet" href="style.css">
${body}</html>
`

mkdirSync('dist', { recursive: true })
for (const name of readdirSync('src').filter(file => file.endsWith('.md'))) {
  const markdown = readFileSync(`src/${name}`, 'utf8')
  writeFileSync(`dist/${name.replace(/\.md$/, '.html')}`, page(marked.parse(markdown)))
}
copyFileSync('src/style.css', 'dist/style.css')
