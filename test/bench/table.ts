import { aims, isMet } from './aims.ts';
import type { Measurement } from './measurement.ts';

const header = ['', 'value', 'unit', 'n', 'min', 'max', 'aim', ''];
/** Columns of words; the others are numbers, and end where the next one begins. */
const leftAligned = new Set([0, 2, 7]);

/** The figures as lines of an aligned table. */
export function table(measurements: readonly Measurement[]): string[] {
  const rows = [header, ...measurements.map(cells)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        leftAligned.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

function cells(measurement: Measurement): string[] {
  const { name, value, unit, n, min, max } = measurement;
  const aim = aims[name];
  const wanted = aim === undefined ? '' : 'atMost' in aim ? `<= ${aim.atMost}` : `>= ${aim.atLeast}`;
  const met = isMet(measurement);
  return [name, `${value}`, unit, `${n}`, `${min}`, `${max}`, wanted, met === null ? '' : met ? 'met' : 'MISSED'];
}
