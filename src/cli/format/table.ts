const NARROWEST = 10
const GAP = 3

/** Lines of aligned columns, as docker's tables are: at least 10 wide, 3 spaces apart, the last one as it is. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? NARROWEST, widthOf(cell) + GAP)
    })
  }
  return rows.map(row => `${row.map((cell, at) => padCell(cell, at, row.length, widths)).join('')}\n`).join('')
}

function padCell(cell: string, column: number, columns: number, widths: readonly number[]): string {
  return column === columns - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell))
}

/** Code points, as Go's tabwriter counts. */
function widthOf(text: string): number {
  return /^[ -~]*$/.test(text) ? text.length : [...text].length
}
