import { TILE_WIDTH, type Tile, tilePath } from '../../subgraphs/seals/log/tile.ts';

/** Returns the path of the tile of a log of `size` entries that holds one of them, by default the last. */
export function tileOf(level: 0 | 'entries', size: number, index = size - 1): string {
  const n = Math.floor(index / TILE_WIDTH);
  const tile: Tile = { level, n, width: Math.min(TILE_WIDTH, size - n * TILE_WIDTH) };
  return tilePath(tile);
}
