import { encode } from 'fast-png';

const RED = [190, 20, 20] as const;

/** Builds an office's own picture of a seal: a red ring with a stroke, else transparent. PNG, RGBA, 8 bits. */
export function buildSealPng(width = 240, height = width): Buffer {
  const data = new Uint8Array(width * height * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [across, down] = [(2 * x + 1) / width - 1, (2 * y + 1) / height - 1];
      const radius = Math.hypot(across, down);
      const isInked = (radius < 0.98 && radius > 0.9) || (radius < 0.7 && Math.abs(across - down) < 0.1);
      data.set([...RED, isInked ? 230 : 0], (y * width + x) * 4);
    }
  }
  return Buffer.from(encode({ width, height, data, channels: 4, depth: 8 }));
}
