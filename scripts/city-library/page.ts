import type { Counts } from './store.ts';
import type { ValidityState } from './validity.ts';

export const STATE_NAMES: Readonly<Record<ValidityState, string>> = {
  VALID: '有效',
  SUSPENDED: '暂扣',
  SUPERSEDED: '已被新版本取代',
  LAPSED: '失效',
  RESCINDED: '撤销',
  WITHDRAWN: '撤回',
  REVOKED: '吊销',
  CANCELLED: '注销',
  NOT_YET_VALID: '未到生效日',
};

/** Renders the status page. It shows only counts, no personal data. */
export function renderStatusPage({ states, acts, lastCollectedAt }: Counts): string {
  const rows = states.map(({ state, count }) => `<tr><td>${STATE_NAMES[state]}</td><td>${count}</td></tr>`).join('');
  return `<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>市电子证照库（参考实现）</title>
<style>body{font-family:sans-serif;max-width:32rem;margin:3rem auto}td,th{padding:.2rem 1rem;text-align:left}</style></head>
<body><h1>市电子证照库（参考实现）</h1>
<table><tr><th>证照状态</th><th>份数</th></tr>${rows || '<tr><td colspan="2">尚无证照</td></tr>'}</table>
<p>已归集操作 ${acts} 次；最近归集 ${lastCollectedAt?.toISOString() ?? '—'}</p>
</body></html>
`;
}
