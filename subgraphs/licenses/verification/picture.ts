import type { Drawing } from '../../kernel/pdf/sealed-pdf.ts';

/**
 * Converts a drawn picture to SVG paths, each filled or stroked in one colour. Supports the operators of ISO 32000-1
 * §8.5 that the hub's drawings use. Throws for any other operator.
 */
export function toSvg({ width, height, operators }: Drawing): string {
  const paths: string[] = [];
  const operands: string[] = [];
  let path = '';
  let [colour, lineWidth] = ['#000', '1'];
  const takeOperands = () => operands.splice(0).join(' ');
  for (const token of operators.split(/\s+/).filter((part) => part !== '')) {
    if (/^-?[\d.]+$/.test(token)) operands.push(token);
    else if (token === 'm' || token === 'l' || token === 'c') path += `${token.toUpperCase()}${takeOperands()}`;
    else if (token === 'h') path += 'Z';
    else if (token === 'w') lineWidth = takeOperands();
    else if (token === 'rg' || token === 'RG') colour = `rgb(${operands.splice(0).map(percent).join(' ')})`;
    else if (token === 's' || token === 'f') {
      paths.push(
        token === 'f'
          ? `<path fill="${colour}" d="${path}Z"/>`
          : `<path fill="none" stroke="${colour}" stroke-width="${lineWidth}" d="${path}Z"/>`,
      );
      path = '';
    } else throw new Error(`a picture draws by ${token}`);
  }
  // The PDF origin is the lower left corner with y upwards. The SVG origin is the upper left corner with y downwards.
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}"><g transform="matrix(1 0 0 -1 0 ${height})">${paths.join('')}</g></svg>`;
}

function percent(part: string): string {
  return `${Math.round(Number(part) * 1000) / 10}%`;
}
