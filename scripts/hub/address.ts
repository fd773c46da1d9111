/**
 * Returns the URL at which a process of this machine reaches a server that listens on `host`.
 * A server that listens on all addresses is reached at the loopback address.
 */
export function toLocalUrl(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
