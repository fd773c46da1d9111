import { createCache } from '../cache.ts';
import { loadBoldFont } from './document.ts';
import { POINTS_PER_MM, SEAL_DIAMETER_POINTS } from './seal-image.ts';
import type { Drawing } from './sealed-pdf.ts';

/** The picture of a round seal (印模), drawn as outlines, so that a viewer needs no font. */

const RIM_MM = 1.2;
/** Maximum length of a name along the upper arc, and maximum step between two characters. */
const MAX_ARC_DEGREES = 250;
const MAX_STEP_DEGREES = 24;
const RED = '0.784 0.063 0.063';
/** Numbers are rounded to a hundredth of a point, which is finer than any printer. */
const UNITS_PER_POINT = 100;

const MAX_CACHED_DRAWINGS = 200;
const drawingsByKey = createCache<Drawing>(MAX_CACHED_DRAWINGS);

/**
 * Draws a red round seal: the organ's name along the rim, a star, and the kind of seal below it.
 * Omits characters without a glyph.
 */
export function drawSeal(organ: string, kind: string): Drawing {
  const key = `${organ}\n${kind}`;
  const cachedDrawing = drawingsByKey.get(key);
  if (cachedDrawing) return cachedDrawing;
  const size = SEAL_DIAMETER_POINTS;
  const middle = size / 2;
  const operators = [
    `${RED} rg ${RED} RG`,
    `${formatNumber(RIM_MM * POINTS_PER_MM)} w`,
    drawCircle(middle, middle - (RIM_MM * POINTS_PER_MM) / 2),
    drawStar(middle, middle + size * 0.02, size * 0.145),
    ...drawAlongRim(organ, middle, size),
    ...drawAcross(kind, middle, size),
  ].join('\n');
  const drawing = { width: size, height: size, operators };
  drawingsByKey.set(key, drawing);
  return drawing;
}

/** Draws four Bézier curves, which differ from a circle by at most 0.03 %. */
function drawCircle(middle: number, radius: number): string {
  const controlOffset = radius * 0.5523;
  const formatPoint = (x: number, y: number) => `${formatNumber(middle + x)} ${formatNumber(middle + y)}`;
  const drawQuarter = (a: [number, number], b: [number, number], c: [number, number]) =>
    `${formatPoint(...a)} ${formatPoint(...b)} ${formatPoint(...c)} c`;
  return [
    `${formatPoint(radius, 0)} m`,
    drawQuarter([radius, controlOffset], [controlOffset, radius], [0, radius]),
    drawQuarter([-controlOffset, radius], [-radius, controlOffset], [-radius, 0]),
    drawQuarter([-radius, -controlOffset], [-controlOffset, -radius], [0, -radius]),
    drawQuarter([controlOffset, -radius], [radius, -controlOffset], [radius, 0]),
    's',
  ].join(' ');
}

/** Draws a five-pointed star with one point up. */
function drawStar(x: number, y: number, radius: number): string {
  const points = Array.from({ length: 5 }, (_, i) => {
    const angle = Math.PI / 2 + (i * 4 * Math.PI) / 5;
    return `${formatNumber(x + radius * Math.cos(angle))} ${formatNumber(y + radius * Math.sin(angle))}`;
  });
  return `${points.map((point, i) => `${point} ${i === 0 ? 'm' : 'l'}`).join(' ')} f`;
}

function drawAlongRim(name: string, middle: number, size: number): string[] {
  const letters = [...name];
  const step = Math.min(MAX_STEP_DEGREES, MAX_ARC_DEGREES / Math.max(letters.length - 1, 1));
  // Small enough that neighbours on the arc do not touch.
  const em = Math.min(size * 0.135, (step * Math.PI * size * 0.36) / 180);
  const radius = size / 2 - RIM_MM * POINTS_PER_MM - size * 0.035 - em;
  return letters.map((letter, i) => {
    const turn = (((letters.length - 1) / 2 - i) * step * Math.PI) / 180;
    const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
    // Rotate the letter's box so that the middle of its base lies on the radius.
    return drawGlyph(letter, em, (x, y) => [
      middle + (x - em / 2) * cos - (radius + y) * sin,
      middle + (x - em / 2) * sin + (radius + y) * cos,
    ]);
  });
}

function drawAcross(text: string, middle: number, size: number): string[] {
  const letters = [...text];
  const em = Math.min(size * 0.1, (size * 0.62) / Math.max(letters.length, 1));
  const left = middle - (em * letters.length) / 2;
  const baseline = size * 0.2;
  return letters.map((letter, i) => drawGlyph(letter, em, (x, y) => [left + i * em + x, baseline + y]));
}

/** Draws a letter as filled outlines. `place` maps points of its box (lower left corner at (0, 0)) to the picture. */
function drawGlyph(letter: string, em: number, place: (x: number, y: number) => [number, number]): string {
  const glyph = loadBoldFont().charToGlyph(letter);
  if (glyph.index === 0) return '';
  const point = (x: number, y: number) =>
    place(x, -y + em * 0.12)
      .map(formatNumber)
      .join(' ');
  let [fromX, fromY] = [0, 0];
  const curves = glyph.getPath(0, 0, em).commands.map((command) => {
    if (command.type === 'Z') return 'h';
    const { x, y } = command;
    const [startX, startY] = [fromX, fromY];
    [fromX, fromY] = [x, y];
    if (command.type === 'M') return `${point(x, y)} m`;
    if (command.type === 'L') return `${point(x, y)} l`;
    const toCubicControl = (from: number, control: number) => from + ((control - from) * 2) / 3;
    const [first, second] =
      command.type === 'C'
        ? [point(command.x1, command.y1), point(command.x2, command.y2)]
        : [
            point(toCubicControl(startX, command.x1), toCubicControl(startY, command.y1)),
            point(toCubicControl(x, command.x1), toCubicControl(y, command.y1)),
          ];
    return `${first} ${second} ${point(x, y)} c`;
  });
  return `${curves.join(' ')} f`;
}

function formatNumber(points: number): string {
  return String(Math.round(points * UNITS_PER_POINT) / UNITS_PER_POINT);
}
