import type { KeyObject } from 'node:crypto';
import { BootError } from './folder.ts';
import { readMarker } from './marker.ts';
import { readSecrets } from './secrets.ts';

/**
 * Returns the key that signs demo tokens of a data folder. Throws BootError if no hub was started there, or if it is of
 * production, where no demo token counts. It only reads: new secrets in a folder that lost its own would open neither
 * its database nor its keys.
 */
export function readDemoKey(folder: string): KeyObject {
  const secrets = readSecrets(folder);
  if (secrets === null || secrets === 'UNREADABLE') {
    throw new BootError(`${folder} 中没有可读的 secrets.json — no hub has been started in this data folder`);
  }
  const marker = readMarker(folder);
  if (marker !== null && marker !== 'UNREADABLE' && marker.demonstration === false) {
    throw new BootError(
      `数据目录 ${folder} 属于正式系统，没有演示令牌：请由身份认证服务取得令牌 — the folder is of production: its tokens come from the issuer`,
    );
  }
  return secrets.tokenPrivateKey;
}
