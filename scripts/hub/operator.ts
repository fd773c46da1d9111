import { userInfo } from 'node:os';

/** Returns the name under which records keep what the operator of this machine did. */
export function nameOperator(): string {
  return `系统运维人员 ${userInfo().username}`;
}
