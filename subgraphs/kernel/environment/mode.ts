/** Whether this process serves people for real. `readEnvironment` sets it once; until then the stricter mode holds. */

let isProductionMode = true;

export function setProduction(isProduction: boolean): void {
  isProductionMode = isProduction;
}

/**
 * Whether NODE_ENV is `production` or an issuer is configured. Development allows plain HTTP and webhooks on this
 * machine.
 */
export function isProduction(): boolean {
  return isProductionMode;
}
