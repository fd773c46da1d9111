const BAR_WIDTH = 30;
const BAR_INTERVAL_MS = 100;

/** Shows a progress bar on a terminal and nothing elsewhere. `clear` removes it so that a line can be printed. */
export function makeProgressBar(total: number) {
  let shownAt = 0;
  const write = (text: string) => process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`);
  const show = (done: number) => {
    const now = performance.now();
    if (done < total && now - shownAt < BAR_INTERVAL_MS) return;
    shownAt = now;
    const filled = Math.round((done / total) * BAR_WIDTH);
    write(`${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${done}/${total}${done === total ? '\n' : ''}`);
  };
  return { show, clear: () => write('') };
}
